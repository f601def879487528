/** Bodies with a limit, and what is refused before anything is read. */
import type { Context } from 'koa'
import { BadMessage, isFailure, Unreachable } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'

/** Answers 405 with the methods that there are, for paths that a router knows under other methods. */
export function refuseMethod(ctx: Context, allowed: string): void {
  ctx.set('Allow', allowed)
  throw new BadMessage(`This address takes ${allowed} only.`, { status: 405, code: 'method' })
}

/** Bytes of bodies that are being read, of all requests of this process, and how many there may be. */
let held = 0
const MOST_HELD = 64 * 1024 * 1024

/**
 * The body as it came, never parsed or changed (I2).
 * @param limit bytes
 * @throws BadMessage 413 when it is longer, 415 when it is compressed; Unreachable 503 when too much of others is being read
 */
export async function readBody(ctx: Context, limit: number): Promise<Buffer> {
  if (ctx.get('content-encoding') !== '' && ctx.get('content-encoding') !== 'identity')
    throw new BadMessage('Compressed bodies are not taken.', { status: 415 })
  const told = Number(ctx.get('content-length') || 0)
  if (told > limit) throw tooLong(ctx, limit)
  const parts: Buffer[] = []
  let length = 0
  try {
    // a stream that is left in the middle is destroyed, and with it the answer: so this one is not
    for await (const part of ctx.req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += part.length
      held += part.length
      if (length > limit) throw tooLong(ctx, limit)
      if (held > MOST_HELD) throw tooMuch(ctx)
      parts.push(part)
    }
  } catch (cause) {
    throw isFailure(cause) ? cause : new BadMessage('The body broke off.', { cause })
  } finally {
    held -= length
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts)
}

/** The rest of the body is thrown away, and the connection ends with the answer. */
function discardRest(ctx: Context): void {
  ctx.set('Connection', 'close')
  ctx.req.resume()
}

/** Whoever sends slowly from many places holds memory of ours meanwhile (X27). */
function tooMuch(ctx: Context): Unreachable {
  discardRest(ctx)
  return new Unreachable('Too much is being received at once.', { status: 503, retryAfter: 5, code: 'busy' })
}

const TOO_LONG = 'too_long'

function tooLong(ctx: Context, limit: number): BadMessage {
  discardRest(ctx)
  return new BadMessage(`The body is longer than ${limit} bytes.`, { status: 413, code: TOO_LONG })
}

/** A form (application/x-www-form-urlencoded, UTF-8). @throws BadMessage 413; 415 for any other type; 400 for bad UTF-8 */
export async function readForm(ctx: Context, limit: number): Promise<URLSearchParams> {
  if (!ctx.is(TYPE.form)) throw new BadMessage(`A body of type ${TYPE.form} is needed.`, { status: 415, code: 'type' })
  const body = await readBody(ctx, limit)
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(body)
    // what is percent-encoded must be UTF-8 as well: URLSearchParams would put replacement characters there
    decodeURIComponent(text.replace(/%(?![0-9a-f]{2})/gi, '%25'))
    return new URLSearchParams(text)
  } catch (cause) {
    throw new BadMessage('The form is not UTF-8.', { cause })
  }
}

/** A form that may have files in it, read by the runtime's own parser. @throws BadMessage as `readForm` */
export async function readUpload(ctx: Context, limit: number): Promise<FormData | URLSearchParams> {
  if (ctx.is(TYPE.form)) return readForm(ctx, limit)
  if (!ctx.is('multipart/form-data')) throw new BadMessage('A body of type multipart/form-data is needed.', { status: 415, code: 'type' })
  const body = await readBody(ctx, limit).catch(error => {
    if (!isFailure(error) || error.code !== TOO_LONG) throw error
    throw new BadMessage(`This is larger than ${Math.floor(limit / 1_000_000)} MB.`, { status: 413, code: TOO_LONG })
  })
  try {
    return await new Response(new Uint8Array(body), { headers: { 'content-type': ctx.get('content-type') } }).formData()
  } catch (cause) {
    throw new BadMessage('The form cannot be read.', { cause })
  }
}
