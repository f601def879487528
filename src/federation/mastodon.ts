/** The owner's Mastodon server: its API, asked in the owner's name. */
import type { Answer, Connection, Person, Visibility } from '../model/blog.ts'
import { isFailure, Missing, Refused } from '../model/errors.ts'
import { readAccount, readContext, readLimit, readPeople, readStatus, readStatuses, type Status } from '../protocol/mastodon.ts'
import type { Tools } from '../tools.ts'
import { findMainAccount } from './handled.ts'
import { askServer, isRefused, type Question } from './mastodon-api.ts'

export { mayHaveArrived } from './mastodon-api.ts'

/** A status of the owner's as its server tells it. `username`: the owner's name there. */
export type OwnStatus = {
  id: string
  url: string
  /** Plain text, and the same with the addresses of its links in full. */
  text: string
  whole: string
  createdAt: Date
  favourites: number
  shares: number
  replies: number
  username: string
}

/** Characters that a toot may have where the server does not tell (Mastodon's own). */
const USUAL_LIMIT = 500
const DAY = 86_400_000
const TEN_MINUTES = 600_000
/** Visitors wait for it. */
const LIMIT_TIMEOUT = 5_000
/** Six questions at most before a toot of 15 seconds: together half as long as a claim lasts. */
const SEARCH_TIMEOUT = 6_000
/** Mastodon gives up to 4,096 answers of a thread to those who are signed in. */
const THREAD_BYTES = 8_000_000
const MOST_PEOPLE = 80
/** Statuses a page, and how many pages of the owner's statuses are looked through. */
const PAGE = 40
const PAGES = 2

/** The connection of an account: made by `mastodon connect`, else that of the environment for the first account. */
export async function findConnection(
  tools: Pick<Tools, 'actors' | 'config' | 'connections' | 'clock' | 'settings'>,
  accountId: string
): Promise<Connection | undefined> {
  const { mastodonHost: host, mastodonOauthToken: token, mastodonUser } = tools.config
  const made = await tools.connections.find(accountId)
  if (made !== undefined || host === undefined || token === undefined) return made
  if ((await findMainAccount(tools))?.id !== accountId) return undefined
  const username = mastodonUser?.replace(/^@/, '').split('@')[0]
  const state = (await isRefused(tools, token)) ? 'revoked' : 'ok'
  return { accountId, host, token, state, connectedAt: tools.clock(), ...(username && { username }) }
}

type Limits = Map<string, { limit: number; until: number }>
const limitsOf = new WeakMap<Tools['http'], Limits>()

/** How long a toot may be on that server, in its own way of counting; 500 when it does not tell. Remembered for a day. */
export async function findLimit(tools: Tools, connection: Connection): Promise<number> {
  const limits = limitsOf.get(tools.http) ?? new Map()
  limitsOf.set(tools.http, limits)
  const now = tools.clock().getTime()
  const known = limits.get(connection.host)
  if (known !== undefined && known.until > now) return known.limit
  const ask = (path: string) => askServer(tools, connection, path, readLimit, { open: true, timeout: LIMIT_TIMEOUT })
  try {
    const limit = await ask('/api/v2/instance').catch(error => {
      // before 4.0
      if (error instanceof Missing) return ask('/api/v1/instance')
      throw error
    })
    limits.set(connection.host, { limit: limit ?? USUAL_LIMIT, until: now + DAY })
    return limit ?? USUAL_LIMIT
  } catch (error) {
    if (!isFailure(error)) throw error
    limits.set(connection.host, { limit: USUAL_LIMIT, until: now + TEN_MINUTES })
    return USUAL_LIMIT
  }
}

/**
 * Makes a status. `key`: the Idempotency-Key.
 * @throws Unreachable 502 `mastodon`, with `peer` status when it answered and `retryAfter` when it told; a 401 marks the connection as
 *   revoked and tells the owner; Refused 502 `mastodon` for 403 and 422, which no repetition mends
 */
export async function postStatus(
  tools: Tools,
  connection: Connection,
  status: { text: string; visibility: Visibility; language?: string; key: string }
): Promise<OwnStatus> {
  const { key, language, text, visibility } = status
  const form = { status: text, visibility, ...(language === undefined ? {} : { language }) }
  const question: Question = { method: 'POST', form, headers: { 'idempotency-key': key } }
  return askServer(tools, connection, '/api/v1/statuses', readOwn(connection), question)
}

/** Changes the text of a status. @throws as postStatus; Missing when it is not there any more */
export async function editStatus(
  tools: Tools,
  connection: Connection,
  id: string,
  { text, language }: { text: string; language?: string }
): Promise<OwnStatus> {
  const form = { status: text, ...(language === undefined ? {} : { language }) }
  return askServer(tools, connection, statusPath(id), readOwn(connection), { method: 'PUT', form })
}

/**
 * The owner's status that was to be made: of the same text and visibility, and no answer to anybody. The owner may have written of
 * the same page. Among the last 80, not older than `since`. @throws as postStatus
 */
export async function findOwnStatus(
  tools: Tools,
  connection: Connection,
  wanted: { text: string; visibility: Visibility },
  since: Date
): Promise<OwnStatus | undefined> {
  const path = `/api/v1/accounts/${await findOwnId(tools, connection)}/statuses`
  let before = ''
  for (let page = 0; page < PAGES; page++) {
    const query = `?limit=${PAGE}&exclude_reblogs=true${before}`
    const read = (json: unknown) => readStatuses(json, connection.host)
    const statuses = await readMostly(tools, connection, path + query, read, { timeout: SEARCH_TIMEOUT })
    const found = statuses.find(status => status.createdAt >= since && isWanted(status, wanted))
    if (found !== undefined) return ownOf(found)
    const last = statuses.at(-1)
    if (last === undefined || last.createdAt < since) return undefined
    before = `&max_id=${last.id}`
  }
  return undefined
}

function isWanted(status: Status, { text, visibility }: { text: string; visibility: Visibility }): boolean {
  // Mastodon makes a public status of an account that it limits unlisted
  const isSeen = status.visibility === visibility || (visibility === 'public' && status.visibility === 'unlisted')
  return isSeen && status.parentId === undefined && hasText(status, text)
}

/** Whether a status says this, whatever its server made of line breaks and addresses. */
export const hasText = ({ text, whole }: Pick<OwnStatus, 'text' | 'whole'>, written: string): boolean =>
  [text, whole].some(one => squeeze(one) === squeeze(written))

const squeeze = (text: string): string => text.normalize('NFC').replace(/[\s\p{Cf}]/gu, '')

/** The thread under a status, and who favoured and shared it (the first 80 of each). @throws as postStatus; Missing when it is gone */
export async function readStatusThread(
  tools: Tools,
  connection: Connection,
  id: string
): Promise<{ status: OwnStatus; answers: Answer[]; favourites: Person[]; shares: Person[] }> {
  const path = statusPath(id)
  const { host } = connection
  const status = await readMostly(tools, connection, path, readOwn(connection))
  const people = (json: unknown) => readPeople(json, host).slice(0, MOST_PEOPLE)
  const [answers, favourites, shares] = await Promise.all([
    readMostly(tools, connection, `${path}/context`, json => readContext(json, host), { maxBytes: THREAD_BYTES }),
    readMostly(tools, connection, `${path}/favourited_by?limit=${MOST_PEOPLE}`, people),
    readMostly(tools, connection, `${path}/reblogged_by?limit=${MOST_PEOPLE}`, people)
  ])
  return { status, answers, favourites, shares }
}

const statusPath = (id: string): string => `/api/v1/statuses/${encodeURIComponent(id)}`

/** What everybody may read is asked for without the token when the token is not good for it: it may only be allowed to write. */
async function readMostly<T>(
  tools: Tools,
  connection: Connection,
  path: string,
  read: (json: unknown) => T,
  question: Question = {}
): Promise<T> {
  const openly = () => askServer(tools, connection, path, read, { ...question, open: true })
  if (connection.state === 'revoked') return openly()
  return askServer(tools, connection, path, read, question).catch(error => {
    if (error instanceof Refused) return openly()
    throw error
  })
}

/** The owner's id on the server. A connection that was made by `mastodon connect` knows it. */
async function findOwnId(tools: Tools, connection: Connection): Promise<string> {
  const { host, mastodonId, username } = connection
  if (mastodonId !== undefined) return mastodonId
  const read = (json: unknown) => readAccount(json, host).id
  const ask = { timeout: SEARCH_TIMEOUT }
  return askServer(tools, connection, '/api/v1/accounts/verify_credentials', read, ask).catch(error => {
    if (!(error instanceof Refused) || username === undefined) throw error
    return askServer(tools, connection, `/api/v1/accounts/lookup?acct=${encodeURIComponent(username)}`, read, { ...ask, open: true })
  })
}

const readOwn =
  ({ host }: Connection) =>
  (json: unknown): OwnStatus =>
    ownOf(readStatus(json, host))

const ownOf = ({ createdAt, favourites, id, person, replies, shares, text, url, whole }: Status): OwnStatus => ({
  ...{ createdAt, favourites, id, replies, shares, text, url, whole },
  username: person.handle.split('@')[0] ?? ''
})
