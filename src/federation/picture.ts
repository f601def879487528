/** Pictures of other people, fetched once through the guard and kept: nobody's browser asks a third party for them (W36). */
import { createHash } from 'node:crypto'
import type { StoredPicture } from '../model/blog.ts'
import { BadMessage, isFailure, Missing, Unreachable } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

/** Ready to be sent: `type` is one of the types of TYPES. */
export type Picture = { id: string; type: string; body: Buffer; etag: string }

const LONGEST = 1_000_000
const TIMEOUT = 10_000
const HOUR = 3_600_000
const DAY = 24 * HOUR
/** Fetched at once, and how many may wait for their turn. */
const WIDTH = 8
const MOST_WAITING = 200
const BUSY_SECONDS = 5

type Needs = Pick<Tools, 'clock' | 'http' | 'pictures'>

/**
 * The way to pictures by the ids of rows: there is no way by an address (X25).
 * @param mayFetch is asked before somebody makes us fetch one: throws when they have had their share
 * @returns a function that throws Missing when there is none, or none that can be had; Unreachable 503 when too many are fetched
 */
export function makePictureFinder(tools: Needs): (id: string, mayFetch: () => Promise<void>) => Promise<Picture> {
  const { clock, pictures } = tools
  const underWay = new Map<string, Promise<Picture>>()
  const take = makeTurns()
  const fetchOnce = (id: string): Promise<Picture> => {
    const begun = underWay.get(id) ?? take(() => fetchPicture(tools, id)).finally(() => underWay.delete(id))
    underWay.set(id, begun)
    return begun
  }
  return async (id, mayFetch) => {
    const row = await pictures.find(id)
    if (row === undefined) throw none()
    const now = clock()
    const kept = keptOf(row, now)
    if (kept !== undefined) {
      if (row.usedAt === undefined || now.getTime() - row.usedAt.getTime() > DAY) await pictures.touch(id, now)
      return kept
    }
    if (!underWay.has(id)) await mayFetch()
    return fetchOnce(id)
  }
}

const none = () => new Missing('There is no such picture.')

const pictureOf = ({ body, etag, id, type }: StoredPicture): Picture | undefined =>
  body === undefined || type === undefined || etag === undefined ? undefined : { id, type, body, etag }

/** What was fetched earlier. @throws Missing when that failed a short while ago */
function keptOf(row: StoredPicture, now: Date): Picture | undefined {
  if (row.error !== undefined && row.fetchedAt !== undefined && now.getTime() - row.fetchedAt.getTime() < HOUR) throw none()
  return pictureOf(row)
}

/** @throws Missing; what was tried and failed is not tried again for an hour */
async function fetchPicture({ clock, http, pictures }: Needs, id: string): Promise<Picture> {
  // Read again: since the caller read it, somebody else's turn may have come and gone, and brought this very picture.
  const row = await pictures.find(id)
  if (row === undefined) throw none()
  const kept = keptOf(row, clock())
  if (kept !== undefined) return kept
  try {
    const accept = 'image/avif, image/webp, image/png, image/jpeg, image/gif'
    const { body, status } = await http.request(row.url, { headers: { accept }, maxBytes: LONGEST, timeout: TIMEOUT })
    if (status !== 200) throw new Missing(`The answer was ${status}.`)
    const type = typeOf(body)
    if (type === undefined) throw new BadMessage('It is no picture of a type that is shown.')
    const now = clock()
    const etag = createHash('sha256').update(body).digest('base64url').slice(0, 22)
    await pictures.change(id, { type, body, etag, fetchedAt: now, usedAt: now, error: null })
    return { id, type, body, etag }
  } catch (error) {
    if (!isFailure(error)) throw error
    await pictures.change(id, { fetchedAt: clock(), error: error.message })
    throw none()
  }
}

/** What the first bytes say: what a server says of them counts for nothing (X48). SVG is a document, and none of these. */
const TYPES: { type: string; begins: RegExp }[] = [
  { type: 'image/png', begins: /^\x89PNG\r\n\x1a\n/ },
  { type: 'image/jpeg', begins: /^\xff\xd8\xff/ },
  { type: 'image/gif', begins: /^GIF8[79]a/ },
  { type: 'image/webp', begins: /^RIFF.{4}WEBPVP8[ LX]/s },
  { type: 'image/avif', begins: /^.{4}ftypavi[fs]/s }
]

const typeOf = (body: Buffer): string | undefined => TYPES.find(({ begins }) => begins.test(body.toString('latin1', 0, 16)))?.type

/** A few at a time; the others wait, and when those are too many the next is sent away. */
function makeTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async work => {
    if (waiting.length >= MOST_WAITING)
      throw new Unreachable('Too many pictures are being fetched.', { status: 503, code: 'busy', retryAfter: BUSY_SECONDS })
    if (running >= WIDTH) await new Promise<void>(go => waiting.push(go))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
