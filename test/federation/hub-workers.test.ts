/** Several processes on one database: what one of them leaves behind is taken over, and nothing is done twice. */
import assert from 'node:assert/strict'
import { type Assembled, assemble } from '../../src/assemble.ts'
import { findAccount } from '../../src/federation/accounts.ts'
import { deliver } from '../../src/federation/deliver.ts'
import { publish } from '../../src/federation/publish.ts'
import { verifyDue } from '../../src/federation/verify.ts'
import { startSchedule } from '../../src/jobs/schedule.ts'
import { startWorker } from '../../src/jobs/worker.ts'
import { silence } from '../support/database.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'
import { until } from '../support/node.ts'

describe('workers of a hub', () => {
  let hub: WrittenHub
  const others: Assembled[] = []
  beforeEach(async () => {
    hub = await startHub()
  })
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close()
    await hub?.close()
  })

  /** Another process on the same database. */
  const another = async (): Promise<Assembled> => {
    const { clock, config, http, random } = hub.tools
    const one = await assemble(config, silence, 'worker', { database: hub.node.database.database, clock, http, random })
    others.push(one)
    return one
  }
  it('H11 keeps post and work together: nothing is told of a post whose transaction broke', async () => {
    const one = hub.subscriber('https://one.example/')
    await hub.subscribe(one)
    const { transaction } = hub.tools
    const broken = {
      ...hub.tools,
      transaction: <T>(work: Parameters<typeof transaction<T>>[0]) =>
        transaction<T>(async stores => work(stores).then(() => Promise.reject(new Error('killed'))))
    }
    await assert.rejects(publish(broken, await findAccount(hub.tools, 'ann'), { text: 'lost' }), /killed/)
    await hub.work()
    assert.equal(one.got.length, 0)
    assert.deepEqual(await hub.tools.timelines.all({ limit: 10 }), [])
  })

  it('H11 takes over what a dead worker had claimed, and loses nothing', async () => {
    const one = hub.subscriber('https://one.example/', { onPost: () => ({ status: 500 }) })
    await hub.subscribe(one)
    await hub.publish('told')
    const dying = await another()
    hub.pass(5_000)
    const claimed = await dying.tools.recipients.takeDue(hub.tools.clock(), new Date(hub.time.now + 60_000), 10)
    assert.equal(
      (await dying.tools.recipients.claim(dying.tools.worker, claimed, hub.tools.clock(), new Date(hub.time.now + 120_000))).length,
      1
    )
    one.onPost = () => ({})
    await deliver(hub.tools, claimed)
    assert.equal(one.got.length, 1, 'it belongs to the other one, who lives')
    await others.splice(0)[0]!.close()
    await hub.retry()
    assert.equal(one.got.length, 2)
    assert.deepEqual(
      (await hub.tools.deliveries.list({ failed: false, limit: 9 })).map(row => row.state),
      ['done']
    )
  })

  it('H11 verifies what a dead worker had begun to verify, synchronous ones too', async () => {
    const dying = await another()
    const topic = hub.topic
    const asked = { mode: 'subscribe' as const, topic, topicAsked: topic, method: 'sha256' as const, leaseSeconds: 86_400 }
    const [one, other] = [hub.subscriber('https://one.example/'), hub.subscriber('https://other.example/')]
    const later = new Date(hub.time.now + 60_000)
    await hub.tools.subscribers.ask([{ ...asked, callback: one.callback }], hub.tools.clock())
    assert.equal((await dying.tools.subscribers.claim(dying.tools.worker, hub.tools.clock(), later, 10)).length, 1)
    await dying.tools.subscribers.askNow({ ...asked, callback: other.callback }, hub.tools.clock(), dying.tools.worker, later)
    await verifyDue(hub.tools)
    assert.equal(one.asked.length + other.asked.length, 0)
    await others.splice(0)[0]!.close()
    await verifyDue(hub.tools)
    assert.equal(await hub.tools.subscribers.count(topic), 2)
  })

  it('H11 hands out once what is announced twice', async () => {
    const one = hub.subscriber('https://one.example/')
    await hub.subscribe(one)
    const post = await hub.publish('once')
    await hub.tools.queue.add('post.announce', { post: post.id, act: 'post' })
    await hub.work()
    assert.equal(one.got.length, 1)
  })

  it('H8 sends each thing once, with three workers at it', async () => {
    const subscribers = Array.from({ length: 30 }, (_, at) =>
      hub.subscriber(`https://s${at % 7}.example/${at}`, {
        onPost: async () => {
          await new Promise(done => setTimeout(done, (at * 7) % 20))
          return {}
        }
      })
    )
    for (const one of subscribers) await hub.subscribe(one)
    const workers = await Promise.all([another(), another(), another()])
    const stops = workers.flatMap(({ tools }) => [startWorker(tools), startSchedule(tools)])
    const ann = await findAccount(hub.tools, 'ann')
    const titles = Array.from({ length: 8 }, (_, at) => `post ${at}`)
    for (const title of titles) await publish(hub.tools, ann, { title, text: title })
    await until('all deliveries', () => subscribers.every(one => one.got.length >= titles.length), 15_000)
    await Promise.all(stops.map(stop => stop(5_000)))
    for (const { got } of subscribers) {
      const told = got.map(knock => /<entry>.*?<title>(.*?)<\/title>/s.exec(knock.body)?.[1])
      assert.equal(told.length, titles.length)
      assert.deepEqual(told.toSorted(), titles)
    }
  })

  it('H8 goes on with the healthy while one of their batch hangs', async () => {
    let release = () => {}
    const hanging = new Promise<object>(done => {
      release = () => done({})
    })
    const slow = hub.subscriber('https://slow.example/', { onPost: () => hanging })
    const quick = hub.subscriber('https://quick.example/')
    for (const one of [slow, quick]) await hub.subscribe(one)
    const worker = await another()
    const stop = startWorker(worker.tools)
    const ann = await findAccount(hub.tools, 'ann')
    for (const text of ['one', 'two', 'three']) await publish(hub.tools, ann, { text })
    await until('three at the quick one', () => quick.got.length === 3)
    assert.equal(slow.got.length, 1)
    release()
    await until('three at the slow one', () => slow.got.length === 3)
    await stop(5_000)
    assert.equal(quick.got.length, 3)
  })
})
