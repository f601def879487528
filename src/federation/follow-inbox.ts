/** To follow by ActivityPub: asked by a Follow, true when the Accept comes (S3-9). */
import type { Jobs, Tools } from '../tools.ts'

/** A job: sends the Follow, or the Undo of it. */
export async function sendFollow(_tools: Tools, _wish: Jobs['activity.follow']): Promise<void> {
  throw new Error('not yet')
}
