/** ActivityPub in: who signed is held against who is said to act, before anything is fetched; then through the one door (X3 to X12). */
import type { HttpMessage } from '../protocol/http-signature.ts'
import type { Tools } from '../tools.ts'
import type { Received } from './identity.ts'

/** What was posted. `account`: to whose inbox, none for the shared one; `from`: the address of whoever posted it. */
export type Posted = { account?: string; request: HttpMessage; body: Buffer; from: string }

/** The inboxes of this process. Whatever is genuine is taken, though nothing may come of it (202). */
export function makeInbox(_tools: Tools): (posted: Posted) => Promise<Received> {
  return async () => {
    throw new Error('not yet')
  }
}
