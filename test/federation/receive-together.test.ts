/** Acts that come at once share a commit, and fail alone (protocols.md M10, M16). */
import assert from 'node:assert/strict'
import type { Received } from '../../src/federation/identity.ts'
import { makeTogether } from '../../src/federation/receive-together.ts'
import type { Job, Stores } from '../../src/tools.ts'

const NEW: Received = { outcome: 'new' }

describe('acts that are received together', () => {
  /** Transactions that only count themselves, and the jobs that are put into the queue at once. */
  const start = () => {
    let commits = 0
    const added: number[] = []
    const queue = { addAll: async (jobs: Job[]) => void added.push(jobs.length) }
    const transaction = async <T>(work: (stores: Stores) => Promise<T>): Promise<T> => {
      const done = await work({ queue } as unknown as Stores)
      commits++
      return done
    }
    return { together: makeTogether({ transaction }), commits: () => commits, added }
  }

  it('M10 share a commit, those of one author in the order in which they came', async () => {
    const { together, commits } = start()
    const taken: string[] = []
    const act = (author: string, n: number) =>
      together(author, async () => {
        await new Promise(done => setTimeout(done, 5 - n))
        taken.push(`${author}${n}`)
        return NEW
      })
    const all = await Promise.all([1, 2, 3, 4].flatMap(n => [act('b', n), act('a', n)]))
    assert.deepEqual([all.length, commits()], [8, 1])
    for (const author of ['a', 'b']) {
      assert.deepEqual(
        taken.filter(one => one.startsWith(author)),
        [1, 2, 3, 4].map(n => `${author}${n}`)
      )
    }
  })

  it('M10 M16 fail alone, and are told so only themselves', async () => {
    const { together, commits } = start()
    const act = (n: number) =>
      together(`author ${n}`, async () => {
        if (n === 2) throw new Error('a defect')
        return NEW
      })
    const all = await Promise.allSettled([0, 1, 2, 3].map(act))
    assert.deepEqual(
      all.map(one => one.status),
      ['fulfilled', 'fulfilled', 'rejected', 'fulfilled']
    )
    assert.equal(commits(), 3, 'each in a transaction of its own')
  })

  it('put their jobs into the queue with one statement', async () => {
    const { together, added } = start()
    const act = (n: number) =>
      together(`author ${n}`, async ({ queue }) => {
        await queue.add('post.fetch', { post: `${n}`, left: 1 })
        return NEW
      })
    await Promise.all([1, 2, 3].map(act))
    assert.deepEqual(added, [3])
  })
})
