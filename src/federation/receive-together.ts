/** Many who speak at the same time are taken in one commit, and none of them waits for a disk of his own. */
import type { Activity } from '../model/activity.ts'
import { makeBatch } from '../model/batch.ts'
import type { Job, Stores, Tools } from '../tools.ts'
import type { Received } from './identity.ts'

/** `author`: the id of whose act it is. */
type Taking = { author: string; take: (stores: Stores) => Promise<Received>; received?: Received; error?: unknown }

const MOST_AT_ONCE = 50
const ALONE: readonly Activity['verb'][] = ['follow', 'request', 'block', 'accept', 'reject', 'undo', 'delete', 'join']

/**
 * Whether an act may share a transaction with others: one that holds nothing but rows of its author's own. Follows and blocks hold
 * subscriptions first, and a delete keeps its author from everybody else: two of those in one transaction could wait for each other.
 */
export const isSociable = ({ verb }: Activity): boolean => !ALONE.includes(verb)

async function takeInOrder(stores: Stores, list: Taking[]): Promise<void> {
  for (const one of list) one.received = await one.take(stores)
}

/** A queue in which the jobs of a whole transaction are put together. */
function gatherJobs({ queue }: Stores): { queue: Stores['queue']; addAtEnd: () => Promise<void> } {
  const jobs: Job[] = []
  const add: Stores['queue']['add'] = async (name, data, after) => void jobs.push({ name, data, ...(after ? { after } : {}) } as Job)
  return { queue: { ...queue, add }, addAtEnd: () => queue.addAll(jobs) }
}

/**
 * Gives every sociable act a share of a transaction; whoever asked is answered when it is committed. What fails spoils it for
 * nobody else: then each is taken in a transaction of its own. The acts of one author keep the order in which they came.
 */
export function makeTogether({ transaction }: Pick<Tools, 'transaction'>) {
  const apart = async (one: Taking) => {
    try {
      one.received = await transaction(one.take)
    } catch (error) {
      one.error = error
    }
  }
  const keep = makeBatch<Taking>(MOST_AT_ONCE, async list => {
    // all processes hold the rows of authors in one order
    const sorted = list.toSorted((a, b) => (a.author < b.author ? -1 : a.author > b.author ? 1 : 0))
    try {
      await transaction(async stores => {
        const { addAtEnd, queue } = gatherJobs(stores)
        const own = [...Map.groupBy(sorted, one => one.author).values()]
        const all = await Promise.allSettled(own.map(each => takeInOrder({ ...stores, queue }, each)))
        for (const one of all) if (one.status === 'rejected') throw one.reason
        await addAtEnd()
      })
    } catch {
      for (const one of list) await apart(one)
    }
  })
  return async (author: string, take: Taking['take']): Promise<Received> => {
    const one: Taking = { author, take }
    await keep(one)
    if (one.error !== undefined) throw one.error
    return one.received!
  }
}
