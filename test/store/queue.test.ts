/** Work for later: there if and only if the change that wants it is, done by one, tried again when it failed. */
import assert from 'node:assert/strict'
import { jobsSchema } from '../../src/store/migrations.ts'
import { POLICY } from '../../src/store/queue.ts'
import type { Tools } from '../../src/tools.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('the queue', () => {
  let node: TestNode
  let tools: Tools
  before(async () => {
    node = await startNode({ work: false })
    tools = node.tools
  })
  after(() => node.close())

  const jobs = () => node.database.database.knex.withSchema(jobsSchema).from('job')
  afterEach(() => jobs().delete())
  const take = async (most = 9) => tools.queue.take('feed.poll', most)

  it('holds a job if and only if the transaction that adds it commits', async () => {
    const add = (subscription: string, fail: boolean) =>
      tools.transaction(async stores => {
        await stores.queue.add('feed.poll', { subscription })
        await stores.queue.addMany('feed.poll', [{ subscription: `${subscription}+` }])
        assert.deepEqual(await take(), [], 'nobody sees it before')
        if (fail) throw new Error('rolled back')
      })
    await assert.rejects(add('a', true), /rolled back/)
    assert.deepEqual(await take(), [])
    await add('b', false)
    assert.deepEqual((await take()).map(job => job.data.subscription).sort(), ['b', 'b+'])
  })

  it('gives each job to one of those who take at once', async () => {
    await tools.queue.addMany(
      'feed.poll',
      Array.from({ length: 20 }, (_, i) => ({ subscription: `${i}` }))
    )
    const taken = (await Promise.all(Array.from({ length: 6 }, () => take(5)))).flat()
    assert.deepEqual([taken.length, new Set(taken.map(job => job.id)).size], [20, 20])
    await tools.queue.done('feed.poll', taken)
    assert.deepEqual(await take(), [])
  })

  it('takes jobs of several kinds at once, each for its time', async () => {
    const subscription = 'x'
    const later = new Date(Date.now() + 60_000)
    await tools.queue.addAll([
      { name: 'feed.poll', data: { subscription } },
      { name: 'feed.push', data: { subscription } },
      { name: 'feed.poll', data: { subscription }, after: later }
    ])
    assert.deepEqual([(await take()).length, (await tools.queue.take('feed.push', 9)).length], [1, 1])
    const waiting = await jobs().where({ state: 'created' }).select('name', 'start_after')
    assert.deepEqual(waiting, [{ name: 'feed.poll', start_after: later }])
  })

  it('wakes whoever waits when the job is committed', async () => {
    const heard: string[] = []
    tools.onChange(name => void heard.push(name))
    await tools.queue.add('feed.push', { subscription: 'x' })
    await until('the signal', () => heard.includes('job:feed.push'))
    await tools.queue.add('feed.older', { subscription: 'x' }, new Date(Date.now() + 60_000))
    assert.deepEqual(await tools.queue.take('feed.older', 9), [])
  })

  it('tries again as often as the kind of work asks for, and parks it then', async () => {
    await tools.queue.add('subscription.ask', { subscription: 'x' })
    for (let tries = 0; tries <= POLICY['subscription.ask'].tries; tries++) {
      const [job] = await tools.queue.take('subscription.ask', 9)
      assert.equal(job?.retries, tries)
      await tools.queue.again('subscription.ask', job!, 'no answer')
      const row = await jobs().where({ id: job!.id }).first()
      assert.deepEqual(row.output, { why: 'no answer' })
      assert.equal(row.state, tries < POLICY['subscription.ask'].tries ? 'retry' : 'failed')
      await jobs()
        .where({ id: job!.id })
        .update({ start_after: new Date(0) })
    }
    assert.deepEqual(await tools.queue.take('subscription.ask', 9), [])
  })

  it('W10 puts a job off as often as the kind of work asks for', async () => {
    const { tries } = POLICY['subscription.ask']
    await tools.queue.add('subscription.ask', { subscription: 'x' })
    for (let run = 0; run <= tries; run++) {
      const [job] = await tools.queue.take('subscription.ask', 9)
      assert.equal(job?.data.putOff, run === 0 ? undefined : run)
      assert.equal(await tools.queue.putOff('subscription.ask', job!, new Date(0)), run < tries)
      await tools.queue.done('subscription.ask', [job!])
    }
    assert.deepEqual(await tools.queue.take('subscription.ask', 9), [])
  })

  it('lets nobody settle a job that was given to somebody else meanwhile', async () => {
    await tools.queue.add('feed.push', { subscription: 'slow' })
    const [mine] = await tools.queue.take('feed.push', 9)
    await tools.queue.again('feed.push', mine!, 'the worker was thought to be gone')
    await jobs()
      .where({ id: mine!.id })
      .update({ start_after: new Date(0) })
    const [theirs] = await tools.queue.take('feed.push', 9)
    await tools.queue.done('feed.push', [mine!])
    assert.equal((await jobs().where({ id: mine!.id }).first()).state, 'active')
    await tools.queue.done('feed.push', [theirs!])
    assert.equal((await jobs().where({ id: mine!.id }).first()).state, 'completed')
  })
})
