/** How many answers wait for the owner, as every page of theirs says it beside “Moderation”. */
import { findWaiting } from '../federation/waiting.ts'
import { MODERATED, type Tools } from '../tools.ts'

/** More than that are not counted. */
export const MOST_COUNTED = 100
const FRESH_MS = 30_000

type Memory = { count(): Promise<number>; forget(): void }

/** Of this process: pages are many, and to look through all answers takes longer than to make a page. */
const memories = new WeakMap<Tools['http'], Memory>()

/** No page waits for it: what is half a minute old, or may have changed, is counted anew behind the page. */
export const countWaiting = (tools: Tools): Promise<number> => memoryOf(tools).count()

/** After a decision on a page of this process: the next page counts, before it is shown. */
export const forgetWaiting = (tools: Tools): void => memoryOf(tools).forget()

function memoryOf(tools: Tools): Memory {
  const known = memories.get(tools.http)
  if (known !== undefined) return known
  const { clock, log } = tools
  let counted: Promise<number> | undefined
  let staleAt = 0
  const look = () => findWaiting(tools, MOST_COUNTED).then(list => list.length)
  const refresh = async () => {
    staleAt = clock().getTime() + FRESH_MS
    const before = counted
    const count = await look()
    // a decision that came meanwhile makes it worthless
    if (counted === before) counted = Promise.resolve(count)
  }
  tools.onChange(told => {
    if (told === '*' || told === MODERATED) staleAt = 0
  })
  const memory: Memory = {
    forget() {
      counted = undefined
    },
    count() {
      if (counted === undefined) {
        staleAt = clock().getTime() + FRESH_MS
        counted = look()
        counted.catch(memory.forget)
      } else if (clock().getTime() >= staleAt) {
        refresh().catch(error => log.error({ error }, 'what waits could not be counted'))
      }
      return counted
    }
  }
  memories.set(tools.http, memory)
  return memory
}
