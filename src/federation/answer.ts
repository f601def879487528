/** To answer what came by ActivityPub: Accept to a follow, to its undoing (S3-22) and to whoever wants to quote (FEP-044f). */
import type { Jobs, Tools } from '../tools.ts'

/** A job: tried again for days (W3). */
export async function answerActivity(_tools: Tools, _question: Jobs['inbox.answer']): Promise<void> {
  throw new Error('not yet')
}
