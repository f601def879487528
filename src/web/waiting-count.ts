/** How many answers wait for the owner, as every page of theirs says it beside “Moderation”. */
import { findWaiting } from '../federation/waiting.ts'
import { MODERATED, type Tools } from '../tools.ts'

/** More than that are not counted. */
export const MOST_COUNTED = 100
const FRESH_MS = 30_000

type Memory = { count(): Promise<number>; forget(): void }

/** Of this process: pages are many, and to look through all answers takes longer than to make a page. */
const memories = new WeakMap<Tools['http'], Memory>()

/** Half a minute old at most, and at once what the owner decided. */
export const countWaiting = (tools: Tools): Promise<number> => memoryOf(tools).count()

/** Before the page that follows on a decision: what the database tells of it may come after that. */
export const forgetWaiting = (tools: Tools): void => memoryOf(tools).forget()

function memoryOf(tools: Tools): Memory {
  const known = memories.get(tools.http)
  if (known !== undefined) return known
  let counted: { at: number; count: Promise<number> } | undefined
  const forget = () => {
    counted = undefined
  }
  tools.onChange(told => {
    if (told === '*' || told === MODERATED) forget()
  })
  const memory: Memory = {
    forget,
    count() {
      const now = tools.clock().getTime()
      if (counted === undefined || now - counted.at >= FRESH_MS) {
        const count = findWaiting(tools, MOST_COUNTED).then(list => list.length)
        count.catch(forget)
        counted = { at: now, count }
      }
      return counted.count
    }
  }
  memories.set(tools.http, memory)
  return memory
}
