/** Real envelopes, posted to the account they were meant for: each does what it says, and nothing else, in any order (M14, M16, X1 to X5). */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addAccount } from '../../src/federation/accounts.ts'
import { takeFeed } from '../../src/federation/read-feed.ts'
import { identityOf } from '../../src/protocol/atom-author.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { LIMIT } from '../../src/protocol/names.ts'
import { readCapture } from '../support/captures.ts'
import { webFinger } from '../support/discovery.ts'
import { type Reader, startReader } from '../support/reader.ts'
import { accountOf, keepPost } from '../support/residents.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'
import { type Endpoint, makeEndpoint } from '../support/slaps.ts'

/** The body of a captured request, whose length its header tells. */
function bodyOf(path: string): Buffer {
  const file = readSample(path)
  const head = /^[\s\S]*?\r?\n\r?\n/.exec(file.toString('latin1'))![0]
  return file.subarray(head.length, head.length + Number(/^content-length: (\d+)/im.exec(head)![1]))
}

const servers = [
  {
    server: 'gs-1.20.9',
    host: 'classic.test',
    uri: 'https://classic.test/user/1',
    name: 'carlo',
    note: 'tag:remote.test,2026-11-22:note-850080'
  },
  {
    server: 'gs-2.0.0beta0',
    host: 'social.test',
    uri: 'https://social.test/index.php/user/1',
    name: 'clara',
    note: 'tag:remote.test,2026-11-22:note-0bc51e'
  }
]

withSamples('captured envelopes', () => {
  let reader: Reader
  let endpoint: Endpoint
  before(async () => {
    reader = await startReader({ PUBLIC_URL: 'https://remote.test' })
    reader.time.now = Date.parse('2026-11-22T05:00:00Z')
    for (const { server, host, uri, name, note } of servers) {
      await addAccount(reader.tools, name)
      await keepPost(reader.tools, await accountOf(reader.tools, name), {
        uri: note,
        url: `https://remote.test/n/${encodeURIComponent(note)}`
      })
      const { status, headers, body } = readCapture(readSample(`gnu-social/${server}/09-webfinger-user-uri.http`))
      reader.net.set(webFinger(uri, host), { status, headers, body })
    }
  })
  after(() => reader.close())

  /** As if nobody had ever been heard of, nor asked for. */
  const forget = async () => {
    await reader.node.database.database.knex('actors').whereNull('local_name').delete()
    endpoint = makeEndpoint(reader)
  }

  /** All that is kept of others, a line each. */
  async function everything(): Promise<string[]> {
    const { knex } = reader.node.database.database
    const posts = await knex('posts as p')
      .join('actors as a', 'a.id', 'p.author_id')
      .leftJoin('posts as o', 'o.id', 'p.parent_id')
      .leftJoin('posts as s', 's.id', 'p.shared_id')
      .whereNull('a.local_name')
      .select('p.*', 'a.uri as author', 'o.uri as answers', 's.uri as shares')
    const acts = await knex('acts as c').join('actors as a', 'a.id', 'c.actor_id').select('c.*', 'a.uri as author')
    const follows = await knex('follows as f').join('actors as a', 'a.id', 'f.followed_id').select('a.local_name')
    return [
      ...posts.map(
        row =>
          `${row.deleted_at ? 'dead' : row.verb} ${row.uri}${row.answers ? ` to ${row.answers}` : ''}${row.shares ? ` of ${row.shares}` : ''}`
      ),
      ...acts.map(row => `${row.undone ? 'no ' : ''}${row.verb} ${row.object}`),
      ...follows.map(row => `follower of ${row.local_name}`)
    ].sort()
  }

  for (const { server, host, uri, name, note } of servers) {
    const me = `https://remote.test/users/${name}`
    const files = listSamples(`gnu-social/${server}`)
    const slap = (start: string) => bodyOf(files.find(path => path.includes(`/${start}-`) && /POST_salmon_\w+\.txt$/.test(path))!)
    const post = (body: Buffer) => endpoint.post(body, { to: name })
    const id = (start: string) =>
      /<id>([^<]+)/.exec(readSample(files.find(path => path.includes(`/${start}-`) && path.endsWith('payload.xml'))!).toString())![1]!
    const effects: [start: string, effect: string[]][] = [
      ['61', [`follow ${me}`, `follower of ${name}`]],
      ['70', [`post ${id('70')}`]],
      ['71', [`post ${id('71')} to ${note}`]],
      ['72', [`favourite ${note}`]],
      ['74', [`no follow ${me}`]],
      ['76', [`no follow ${me}`]]
    ]

    for (const [start, effect] of effects) {
      it(`X1 X3 X5 M14 ${server}: ${start} does what it says, after one request, and as often as it comes`, async () => {
        await forget()
        const before = reader.net.sent.length
        for (let i = 0; i < 2; i++) {
          assert.equal(await post(slap(start)), 202)
          assert.deepEqual(await everything(), effect)
        }
        assert.deepEqual(reader.net.requests().slice(before), [`GET ${webFinger(uri, host)}`])
        const author = await reader.tools.actors.findByUri(uri)
        assert.deepEqual([author!.acct?.split('@')[1], author!.bio, author!.keys.length], [host, 'new bio', 1])
      })
    }

    it(`M15 ${server}: nothing comes of what was meant for another account, and of a wrong key`, async () => {
      await forget()
      for (const [start] of effects) assert.equal(await endpoint.post(slap(start), { to: 'bob' }), 202)
      assert.deepEqual(await everything(), [])
      const forged = slap('61')
        .toString()
        .replace(/(<me:sig>)./, (_, tag) => `${tag}${slap('61').toString().includes('<me:sig>A') ? 'B' : 'A'}`)
      assert.equal(await post(Buffer.from(forged)), 401)
      assert.deepEqual(await everything(), [])
    })

    it(`M16 X4 ${server}: all that was captured ends in the same state in any order, though each comes once or twice`, async () => {
      const push = async (body: Buffer) => {
        const feed = readFeed(body, { url: `https://${host}/feed`, contentType: 'application/atom+xml', bytes: LIMIT.messageBytes })
        const owner = identityOf(feed.author)!
        await reader.tools.transaction(async stores => {
          const known = (await stores.actors.findByUri(owner)) ?? (await stores.actors.keep({ uri: owner }, reader.tools.clock()))
          await takeFeed(stores, feed, known, 'push', reader.tools.clock())
        })
      }
      const pushes = files.filter(path => /\/[3-7]\d-.*POST_cb_(secret|bertha)\.txt$/.test(path)).map(bodyOf)
      const slaps = effects.map(([start]) => slap(start))
      const acts = [...slaps.map(body => () => post(body)), ...pushes.map(body => () => push(body))]
      const play = async (order: number[]) => {
        await forget()
        for (const i of order) await acts[i]!()
        return everything()
      }
      const expected = await play([...acts.keys()])
      const ours = note.replace(/.*:/, '')
      const brief = expected.map(line =>
        line
          .replaceAll(note, ours)
          .replace(/tag:[^ ]*objectType=(note|comment)/g, '$1')
          .replace(/tag:[^ ]*/, '')
      )
      assert.deepEqual(
        brief.map(line => line.trim()).sort(),
        [
          ...['post note', 'post note', 'post note', 'dead note', 'post comment to note', `post comment to ${ours}`],
          ...['share note of note', `share note of ${ours}`, `share ${ours}`, 'favourite note', `favourite ${ours}`],
          ...[`follow ${uri}`, `no follow ${me}`]
        ].sort()
      )
      const orders = fc
        .array(fc.boolean(), { minLength: acts.length, maxLength: acts.length })
        .map(twice => [...acts.keys(), ...[...acts.keys()].filter(i => twice[i])])
        .chain(list => fc.shuffledSubarray(list, { minLength: list.length }))
      await fc.assert(
        fc.asyncProperty(orders, async order => assert.deepEqual(await play(order), expected)),
        { numRuns: 25 }
      )
    })
  }
})

withSamples('an envelope of GNU social of 2016', () => {
  it('M14 D13 is taken from its author, whom the captured WebFinger names', async () => {
    const reader = await startReader({ PUBLIC_URL: 'https://cb6e6126.ngrok.io', ACCOUNT: 'catsrgr8' })
    try {
      await addAccount(reader.tools, 'catsrgr8')
      const { headers, body } = readCapture(readSample('requests/quitter.no.webfinger.txt'))
      for (const resource of ['https://quitter.no/user/7477', 'acct:gargron@quitter.no'])
        reader.net.set(webFinger(resource, 'quitter.no'), { headers, body })
      const slap = readSample('salmon/gs-quitter.no-mention.xml')
      const endpoint = makeEndpoint(reader)
      reader.time.now = dateOf(slap)
      assert.equal(await endpoint.post(slap, { to: 'catsrgr8' }), 202)
      const author = await reader.tools.actors.findByUri('https://quitter.no/user/7477')
      const [post] = await reader.tools.timelines.all({ limit: 2 }, author!.id)
      assert.deepEqual([author!.acct, post!.mentions.length > 0], ['gargron@quitter.no', true])
    } finally {
      await reader.close()
    }
  })
})

/** The date inside an envelope. */
function dateOf(slap: Buffer): number {
  const data = /<me:data[^>]*>([^<]*)/.exec(slap.toString())![1]!
  return Date.parse(/<updated>([^<]*)/.exec(Buffer.from(data, 'base64url').toString())![1]!)
}
