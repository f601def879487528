/** A look at an address, for people who want to know what stands there: nothing is thrown, and what came back is shown. */
import type { Seen } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import type { HttpAnswer, HttpRequest, Tools } from '../tools.ts'

/** `failed`: why there is no answer. */
export type Looked = { answer?: HttpAnswer; failed?: string; seen: Seen }

const BYTES = 2_000_000
/** Characters of a body that are shown. */
const SHOWN = 400

/** Asks anew, whatever is remembered of the host; our own origin too (X29). Whoever calls it is limited. */
export async function look({ http }: Pick<Tools, 'http'>, url: string, accept: string, options: HttpRequest = {}): Promise<Looked> {
  try {
    const answer = await http.request(url, { headers: { accept }, maxBytes: BYTES, redirects: 5, wide: true, allowOwn: true, ...options })
    return { answer, seen: seenIn(answer) }
  } catch (error) {
    if (!isFailure(error)) throw error
    return { failed: error.message, seen: { url } }
  }
}

/** The address that answered, its status, and the beginning of its body if that is text. */
export function seenIn({ body, status, url }: HttpAnswer): Seen {
  const text = body
    .subarray(0, SHOWN * 4)
    .toString('utf8')
    .replace(/[^\P{C}\n\t]/gu, '')
  return { url, status, ...(text.trim() === '' ? {} : { body: text.trim().slice(0, SHOWN) }) }
}

/** `answered 404`, or why nothing did. */
export const describeLook = ({ answer, failed = 'it did not answer' }: Looked): string =>
  answer === undefined ? failed.replace(/\.$/, '') : `it answered ${answer.status}`
