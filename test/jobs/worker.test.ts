import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { publish } from '../../src/federation/publish.ts'
import { startSchedule } from '../../src/jobs/schedule.ts'
import { startWorker } from '../../src/jobs/worker.ts'
import { BadMessage, Unreachable } from '../../src/model/errors.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import { POLICY } from '../../src/store/queue.ts'
import { startHub, type WrittenHub } from '../support/hub.ts'
import { until } from '../support/node.ts'

const HUB = 'https://other.example/hub'

describe('the worker', () => {
  let hub: WrittenHub
  beforeEach(async () => {
    hub = await startHub({ HUBS: HUB })
  })
  afterEach(() => hub?.close())

  /** The rows that the queue holds of a kind, with their state. */
  const jobs = (name: string) =>
    hub.node.database.database.knex.withSchema(jobsSchema).from('job').where({ name }).select('state', 'retry_count as retries')
  const outcome = async (reply: { status?: number; error?: Error }) => {
    const other = hub.subscriber(HUB, { onPost: () => reply })
    const stop = startWorker(hub.tools)
    await hub.tools.queue.add('hub.ping', { hub: HUB, topic: hub.topic })
    await until('the ping', () => other.got.length === 1)
    const settled = await until('its outcome', async () => {
      const [job] = await jobs('hub.ping')
      return job?.state !== 'active' && job?.state !== 'created' && job?.state
    })
    await stop(5_000)
    return settled
  }

  for (const [what, reply, state] of [
    ['done, it is done', { status: 204 }, 'completed'],
    ['refused, it is dropped', { status: 404 }, 'completed'],
    ['unreadable, it is dropped', { error: new BadMessage('Too long.') }, 'completed'],
    ['unreachable, it is tried again', { error: new Unreachable('No answer.') }, 'retry'],
    ['503, it is tried again', { status: 503 }, 'retry'],
    ['429, it is tried again', { status: 429 }, 'retry'],
    ['our defect, it is tried again', { error: new TypeError('x is not a function') }, 'retry']
  ] as const) {
    it(`W10 when a job ends as ${what}`, async () => assert.equal(await outcome(reply), state))
  }

  it('X33 writes no more than the beginning of a long text into the log', async () => {
    const lines: object[] = []
    const stop = startWorker({ ...hub.tools, log: { ...hub.tools.log, info: fields => void lines.push(fields as object) } })
    const person = 'x'.repeat(1_000_000)
    await hub.tools.queue.add('inbox.answer', { account: 'ann', person, activity: person, yes: true })
    const line = await until('the line', () => lines[0])
    await stop(5_000)
    assert.ok(JSON.stringify(line).length < 1000)
    assert.match(JSON.stringify(line), /"activity":"x{200}"/)
  })

  it('W10 a job that is told to come later does so as often as its kind may, and is then given up', async () => {
    const { clock, queue, subscriptions } = hub.tools
    const { tries } = POLICY['feed.older']
    const url = 'https://busy.example/2'
    const busy = hub.subscriber(url, { onGet: () => ({ status: 429, headers: { 'retry-after': '3600' } }) })
    const { id } = await subscriptions.add({ url: 'https://busy.example/1', topic: 'https://busy.example/1' }, clock())
    await subscriptions.change(id, { state: 'polling', endedAt: null, olderUrl: url })
    const stop = startWorker(hub.tools)
    const left = async () => (await jobs('feed.older')).filter(job => job.state !== 'completed').length
    for (const [putOff, expected] of [
      [tries - 1, 1],
      [tries, 1]
    ] as const) {
      const asked = busy.asked.length
      await queue.add('feed.older', { subscription: id, putOff } as never)
      await until('the answer', async () => busy.asked.length > asked && (await jobs('feed.older')).every(job => job.state !== 'active'))
      assert.equal(await left(), expected)
    }
    await stop(5_000)
  })

  it('has work for every kind of job, each with its policy', async () => {
    const rows = await hub.node.database.database.knex.withSchema(jobsSchema).from('queue').select('name')
    const known = new Set(rows.map(row => row.name))
    for (const name of Object.keys(POLICY)) assert.ok(known.has(name), name)
  })

  it('H11 takes out nothing of a transaction that did not commit', async () => {
    const { queue, transaction } = hub.tools
    const broken = transaction(async stores => {
      await stores.queue.add('hub.ping', { hub: HUB, topic: hub.topic })
      await stores.queue.addMany('deliver', [{ recipients: ['1'] }])
      throw new Error('killed')
    })
    await assert.rejects(broken, /killed/)
    assert.deepEqual([...(await queue.take('hub.ping', 10)), ...(await queue.take('deliver', 10))], [])
  })

  it('W11 answers a publisher before anybody has been told', async () => {
    const one = hub.subscriber('https://one.example/', { onPost: () => new Promise(() => {}) })
    await hub.subscribe(one)
    await publish(hub.tools, await findAccount(hub.tools, 'ann'), { text: 'at once' })
    assert.equal(one.got.length, 0)
  })
})

describe('the schedule', () => {
  it('H5 H8 tries again what is due, on its own', async () => {
    const hub = await startHub()
    try {
      const one = hub.subscriber('https://one.example/', { onPost: () => ({ status: 500 }) })
      await hub.subscribe(one)
      await hub.publish('x')
      one.onPost = () => ({})
      hub.pass(5_000)
      const stops = [startWorker(hub.tools), startSchedule(hub.tools)]
      await until('the second try', () => one.got.length === 2)
      await Promise.all(stops.map(stop => stop(5_000)))
      assert.deepEqual(
        (await hub.tools.deliveries.list({ failed: false, limit: 1 })).map(delivery => delivery.state),
        ['done']
      )
    } finally {
      await hub.close()
    }
  })

  it('H8 puts what is due into the queue and waits for no subscriber', async () => {
    const hub = await startHub()
    try {
      const one = hub.subscriber('https://one.example/', { onPost: () => ({ status: 500 }) })
      await hub.subscribe(one)
      await hub.publish('x')
      hub.pass(5_000)
      const stop = startSchedule(hub.tools)
      const job = await until('the job', async () => (await hub.tools.queue.take('deliver', 9))[0])
      await stop(5_000)
      assert.deepEqual([job.data.recipients.length, one.got.length], [1, 1])
    } finally {
      await hub.close()
    }
  })

  it('H5 stops in time although a subscriber who is verified hangs', async () => {
    const hub = await startHub()
    let answer = () => {}
    const hanging = new Promise<object>(done => {
      answer = () => done({})
    })
    try {
      const one = hub.subscriber('https://one.example/', { onGet: () => hanging })
      await hub.ask({ 'hub.mode': 'subscribe', 'hub.topic': hub.topic, 'hub.callback': one.callback })
      const stop = startSchedule(hub.tools)
      await until('the question', () => one.asked.length === 1, 10_000)
      const ended = await Promise.race([stop(50).then(() => 'stopped'), hanging.then(() => 'answered')])
      assert.equal(ended, 'stopped')
      answer()
      await stop(5_000)
    } finally {
      await hub.close()
    }
  })
})
