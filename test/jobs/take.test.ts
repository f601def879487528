import assert from 'node:assert/strict'
import { startTaking } from '../../src/jobs/take.ts'
import type { Jobs, Taken, Tools } from '../../src/tools.ts'
import { silence } from '../support/database.ts'
import { until } from '../support/node.ts'

type Name = 'hub.fetch'

/** A queue in memory, which tells of what is added. */
function memoryQueue() {
  const waiting: Taken<Name>[] = []
  const done: string[] = []
  const again: string[] = []
  const hearers: ((told: string) => void)[] = []
  let count = 0
  const queue = {
    take: async (_: string, most: number) => waiting.splice(0, most),
    done: async (_: string, jobs: { data: Jobs[Name] }[]) => void done.push(...jobs.map(job => job.data.topic)),
    again: async (_: string, job: { data: Jobs[Name] }) => void again.push(job.data.topic),
    keepAlive: async () => {}
  } as unknown as Tools['queue']
  const add = (...topics: string[]) => {
    waiting.push(...topics.map(topic => ({ id: String(++count), data: { topic }, retries: 0 })))
    for (const hear of hearers) hear('job:hub.fetch')
  }
  const tools = { queue, log: silence, onChange: (hear: (told: string) => void) => void hearers.push(hear) }
  return { add, again, done, queue, tools, waiting }
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `${at}`)

describe('taking jobs', () => {
  it('does what waits, what is told of, and each once', async () => {
    const { add, done, tools } = memoryQueue()
    const seen: string[] = []
    add(...many(50))
    const stop = startTaking(tools, 'hub.fetch', 8, async ({ data }) => void seen.push(data.topic))
    await until('the first', () => done.length === 50)
    add('later')
    await until('the last', () => done.length === 51)
    await stop()
    assert.deepEqual([seen.length, new Set(done).size], [51, 51])
  })

  it('does as many at once as there is room for, and goes on beside one that hangs', async () => {
    const { add, done, tools } = memoryQueue()
    let release = () => {}
    let most = 0
    let now = 0
    const stop = startTaking(tools, 'hub.fetch', 4, async ({ data }) => {
      most = Math.max(most, ++now)
      if (data.topic === 'hangs')
        await new Promise<void>(go => {
          release = go
        })
      await new Promise(go => setTimeout(go, 1))
      now--
    })
    add('hangs', ...many(40))
    await until('the others', () => done.length === 40)
    assert.equal(most, 4)
    release()
    await until('the one that hung', () => done.length === 41)
    await stop()
  })

  it('brings back what failed, and what could not be written down', async () => {
    const { add, again, done, queue, tools } = memoryQueue()
    const stop = startTaking(tools, 'hub.fetch', 4, async ({ data }) => {
      if (data.topic === 'fails') throw new Error('no')
    })
    add('fails', 'works')
    await until('both', () => again.length === 1 && done.length === 1)
    const { done: write } = queue
    queue.done = () => Promise.reject(new Error('the database is away'))
    add('lost')
    await until('the lost one', () => again.includes('lost'))
    queue.done = write
    add('after')
    await until('the next', () => done.includes('after'))
    await stop()
  })

  it('stops taking and waits for what is under way', async () => {
    const { add, done, tools, waiting } = memoryQueue()
    let release = () => {}
    const stop = startTaking(
      tools,
      'hub.fetch',
      1,
      () =>
        new Promise<void>(go => {
          release = go
        })
    )
    add('one', 'two')
    await until('the first', () => waiting.length === 1)
    const stopped = stop()
    add('three')
    release()
    await stopped
    assert.deepEqual([done, waiting.length], [['one'], 2])
  })
})
