/** How the stand-in for Mastodon takes a request apart and answers it: parameters, tokens and scopes, pages, limits. */
import type { Asked, Person, Token, World } from './mastodon-api-world.ts'

export type Ask = {
  asked: Asked
  query: URLSearchParams
  /** A parameter of the query or the body, form or JSON, by its name; `fields` takes `name[]` too. */
  field(name: string): string | undefined
  fields(name: string): string[]
  /** What stands in the path where the route has `:id`. */
  id: string
}
export type Answer = { status?: number; headers?: Record<string, string>; json?: unknown; html?: string; png?: Buffer }
/** `GET /api/v1/statuses/:id` and so on. */
export type Routes = Record<string, (ask: Ask) => Answer>

export class ApiError extends Error {
  readonly answer: Answer
  constructor(status: number, json: object, headers: Record<string, string> = {}) {
    super(JSON.stringify(json))
    this.answer = { status, json, headers }
  }
}

export const refuse = (status: number, error: string): ApiError => new ApiError(status, { error })
export const notFound = (): ApiError => refuse(404, 'Record not found')
/** As Rails casts a parameter. */
export const isTrue = (value: string | undefined): boolean => !!value && !/^(0|f|false|off)$/i.test(value)

/** @throws ApiError 400 for JSON that is none */
export async function readAsk(asked: Asked): Promise<Ask> {
  const query = new URLSearchParams(asked.query)
  const body = await readFields(asked)
  const fields = (name: string) =>
    [name, `${name}[]`].flatMap(key => [...query.getAll(key), ...body.filter(([given]) => given === key).map(([, value]) => value)])
  return { asked, query, fields, field: name => fields(name)[0], id: '' }
}

async function readFields({ headers, body }: Asked): Promise<[string, string][]> {
  const type = headers['content-type'] ?? ''
  try {
    if (type.startsWith('application/json')) {
      const pairs = Object.entries(JSON.parse(body || '{}') as object)
      return pairs.flatMap(([name, value]) =>
        [value].flat().flatMap(each => (each === null ? [] : [[name, String(each)] as [string, string]]))
      )
    }
    if (!/^(application\/x-www-form-urlencoded|multipart\/form-data)/.test(type)) return []
    const form = await new Response(body, { headers: { 'content-type': type } }).formData()
    return [...form].map(([name, value]) => [name, String(value)])
  } catch {
    throw refuse(400, 'Error occurred while parsing request parameters')
  }
}

/** The token of the request, none without the header. @throws ApiError 401 */
function tokenOf(world: World, { asked }: Ask): Token | undefined {
  const { authorization } = asked.headers
  if (!authorization) return undefined
  const token = world.tokens.get(/^Bearer +(\S+)$/i.exec(authorization)?.[1] ?? '')
  if (!token || token.revoked) throw unauthorised(token ? 'The access token was revoked' : 'The access token is invalid')
  return token
}

const unauthorised = (error: string) =>
  new ApiError(401, { error }, { 'www-authenticate': `Bearer realm="Doorkeeper", error="invalid_token", error_description="${error}"` })

/** Who asks, where nobody has to be: but a token that is given must be good for it. @throws ApiError 401, 403 */
export function viewerOf(world: World, ask: Ask, ...scopes: string[]): Person | undefined {
  const token = tokenOf(world, ask)
  if (token && !token.scopes.some(scope => scopes.includes(scope))) throw refuse(403, 'This action is outside the authorized scopes')
  return token?.person
}

/** Who asks, where somebody must. @throws ApiError 401, 403, 422 */
export function userOf(world: World, ask: Ask, ...scopes: string[]): { person: Person; token: Token } {
  const token = tokenOf(world, ask)
  if (!token) throw unauthorised('The access token is invalid')
  const person = viewerOf(world, ask, ...scopes)
  if (!person) throw refuse(422, 'This method requires an authenticated user')
  return { person, token }
}

/**
 * A page of a list by `limit`, `max_id`, `since_id` and `min_id` ("Guidelines": Pagination).
 * @param items the oldest first
 * @param limits how many, unless told, and at most
 */
export function paginate<Item extends { id: string }>(world: World, ask: Ask, items: Item[], limits: [number, number]) {
  const edge = (name: string) => (/^\d+$/.test(ask.query.get(name) ?? '') ? BigInt(ask.query.get(name)!) : undefined)
  const [max, since, min] = [edge('max_id'), edge('since_id'), edge('min_id')]
  const limit = Math.min(Math.max(Number(ask.query.get('limit')) || limits[0], 1), limits[1])
  const inside = items.filter(({ id }) => (!max || BigInt(id) < max) && (!since || BigInt(id) > since) && (!min || BigInt(id) > min))
  const page = (min === undefined ? inside.slice(-limit) : inside.slice(0, limit)).reverse()
  const link = (rel: string, name: string, id: string) => {
    const query = new URLSearchParams(ask.query)
    for (const other of ['max_id', 'since_id', 'min_id']) query.delete(other)
    query.set(name, id)
    return `<${world.origin()}${ask.asked.path}?${query}>; rel="${rel}"`
  }
  const links = [
    ...(page.length === limit ? [link('next', 'max_id', page.at(-1)!.id)] : []),
    ...(page.length ? [link('prev', 'min_id', page[0]!.id)] : [])
  ]
  return { page, headers: links.length ? { link: links.join(', ') } : ({} as Record<string, string>) }
}

const WINDOW = 300_000

/** Counts a request to the API. @returns a function that gives the three headers; `over` when it is one too many */
export function makeMeter(world: World) {
  const counts = new Map<string, { used: number; until: number }>()
  return (ask: Asked): { over: boolean; headers: Record<string, string> } => {
    const token = world.tokens.get(ask.headers.authorization?.replace(/^Bearer +/i, '') ?? '')
    const who = token?.person?.id ?? 'address'
    const until = (Math.floor(world.now() / WINDOW) + 1) * WINDOW
    const before = counts.get(who)
    const used = (before?.until === until ? before.used : 0) + 1
    counts.set(who, { used, until })
    const { rateLimit } = world.settings
    const headers = {
      'x-ratelimit-limit': String(rateLimit),
      'x-ratelimit-remaining': String(Math.max(rateLimit - used, 0)),
      'x-ratelimit-reset': new Date(until).toISOString()
    }
    return { over: used > rateLimit, headers }
  }
}
