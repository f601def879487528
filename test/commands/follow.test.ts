import assert from 'node:assert/strict'
import { describeStep } from '../../src/commands/follow.ts'
import { askToFollow } from '../../src/federation/requests.ts'
import { type } from '../support/commands.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('follow', () => {
  let writer: TestNode
  let reader: TestNode

  before(async () => {
    writer = await startNode({ accounts: ['ann'] })
    reader = await startNode({ accounts: ['bob'], onlyOStatus: true })
  })
  after(async () => {
    await reader?.close()
    await writer?.close()
  })

  it('shows each request and what was found, waits for the hub, and says how posts come', async () => {
    const { code, progress, printed } = await type(reader.tools, `follow acct:ann@${writer.host}`)
    assert.equal(code, 0)
    const found = progress.find(line => line.startsWith(`WebFinger  http://${writer.host}/.well-known/webfinger?resource=`))
    assert.match(found ?? progress.join('\n'), / 200 application\/jrd\+json.*: acct:ann@.*, \d+ links \(\d+ ms\)$/)
    assert.ok(
      progress.some(line => line.startsWith(`feed  ${writer.url}/users/ann.atom  200 application/atom+xml`)),
      progress.join('\n')
    )
    assert.equal(printed[0], `bob now follows ann@${writer.host}: 0 new posts`)
    assert.match(printed[1]!, new RegExp(`^hub ${writer.url}/hub verified: posts are pushed, lease until \\d{4}-`))
  })

  it('says so when the follow was there already', async () => {
    const { json, progress } = await type(reader.tools, `follow ann@${writer.host} --json`)
    type Followed = { account: object; already: boolean; subscription: object; trace: object[] }
    const [{ account, already, subscription, trace }] = json as [Followed]
    assert.deepEqual(
      [Reflect.get(account, 'acct'), Reflect.get(account, 'uri'), already, Reflect.get(subscription, 'state')],
      [`ann@${writer.host}`, `${writer.url}/users/ann`, true, 'active']
    )
    assert.deepEqual([trace.length, progress.length], [1, 1])
    assert.ok(!('token' in subscription) && !('secret' in subscription))
  })

  it('brings what is published to the history of the other node', async () => {
    const published = (await type(writer.tools, ['publish', '--text', 'Hello from here', '--json'])).json[0]!
    const got = await until('the post', async () => {
      const { json } = await type(reader.tools, `history ann@${writer.host} --json`)
      return json.find(post => post.id === published.id)
    })
    assert.deepEqual([got.author, got.html], [`${writer.url}/users/ann`, published.html])
    assert.match((await type(reader.tools, 'subscriptions')).printed[0]!, /^active .*pushed \d{4}/)
    assert.match((await type(writer.tools, 'hub list')).printed[0]!, /delivered \d{4}/)
    assert.equal((await type(writer.tools, 'deliveries --json')).json[0]!.state, 'done')
    assert.deepEqual((await type(writer.tools, 'followers ann')).progress, ['1 subscriber at our hub'])
  })

  it('shows how far it came when nobody was found', async () => {
    const { code, complaints, json, progress } = await type(reader.tools, `follow nobody@${writer.host} --json`)
    assert.equal(code, 1)
    assert.ok(progress.length >= 2, progress.join('\n'))
    assert.equal(json[0]?.error, complaints[0])
  })

  it('asks the hub that it is told to ask, and says what became of it', async () => {
    const { printed } = await type(reader.tools, `follow ann@${writer.host} --hub http://127.0.0.1:9/hub`)
    assert.match(printed[1]!, /hub/)
  })
})

describe('follow, of somebody who speaks ActivityPub', () => {
  let writer: TestNode
  let reader: TestNode

  before(async () => {
    writer = await startNode({ accounts: ['ann'] })
    reader = await startNode({ accounts: ['bob'] })
  })
  after(async () => {
    await reader?.close()
    await writer?.close()
  })

  it('S3-9 shows each request, waits for the answer, and says by what', async () => {
    const { code, progress, printed } = await type(reader.tools, `follow ann@${writer.host}`)
    assert.deepEqual([code, printed], [0, [`bob now follows ann@${writer.host} by ActivityPub: 0 new posts`]])
    const steps = progress.map(line => line.split(/ {2}|: /)[0])
    assert.deepEqual(steps.slice(-3), ['actor', 'outbox', 'follow'], progress.join('\n'))
    assert.match((await type(reader.tools, 'following')).printed[0]!, /ann@.* ActivityPub /)
    assert.match((await type(writer.tools, 'followers ann')).printed[0]!, /bob@.* ActivityPub /)
    assert.deepEqual((await type(reader.tools, `follow ann@${writer.host} --json`)).json[0]!.already, true)
  })

  it('S3-11 tells who has not answered yet, and withdraws', async () => {
    await writer.tools.actors.removeAccount('ann', new Date())
    const ann = (await reader.tools.actors.findByName(`acct:ann@${writer.host}`))!
    const bob = (await reader.tools.actors.findAccount('bob'))!
    assert.equal((await type(reader.tools, `unfollow ann@${writer.host}`)).code, 0)
    await reader.tools.transaction(stores => askToFollow(stores, bob, ann, new Date()))
    assert.match((await type(reader.tools, 'following')).printed[0]!, /asked by ActivityPub, not answered yet/)
    assert.deepEqual(
      (await type(reader.tools, 'following --json')).json.map(({ via }) => via),
      ['asked']
    )
    assert.equal((await type(reader.tools, `unfollow ann@${writer.host}`)).code, 0)
    assert.deepEqual((await type(reader.tools, 'following')).printed, ['bob follows nobody.'])
    assert.equal((await type(reader.tools, `unfollow ann@${writer.host}`)).code, 1)
  })
})

describe('a step of a search', () => {
  it('is a line: what was asked, what answered, what was found or why not', () => {
    const step = {
      step: 'WebFinger',
      url: 'https://a.example/w',
      status: 200,
      type: 'application/jrd+json',
      found: 'acct:a@a.example',
      ms: 12
    }
    assert.equal(describeStep(step), 'WebFinger  https://a.example/w  200 application/jrd+json: acct:a@a.example (12 ms)')
    assert.equal(describeStep({ step: 'hub', found: 'none' }), 'hub: none')
    assert.equal(
      describeStep({ step: 'page', url: 'https://a.example/', failed: 'no answer', ms: 3 }),
      'page  https://a.example/: no answer (3 ms)'
    )
  })
})
