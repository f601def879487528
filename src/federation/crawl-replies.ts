/** The rest of a thread: what the server of a post tells of its answers, within bounds (W25, W26). */
import type { Jobs, Tools } from '../tools.ts'

/** A job. `left`: how many more requests this may cause. */
export async function readReplies(_tools: Tools, _wanted: Jobs['replies.read']): Promise<void> {
  throw new Error('not yet')
}
