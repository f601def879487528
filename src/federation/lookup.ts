/** Resource -> descriptor: WebFinger, else host-meta and its templates (D2 to D7), within one search that is traced. */
import type { AccountLinks, Descriptor, TraceStep } from '../model/activity.ts'
import { BadMessage, type Failure, isFailure, Missing, Unreachable } from '../model/errors.ts'
import { ACCEPT_DESCRIPTOR, accountLinks, encodeResource, expandTemplate, lrddTemplates, readDescriptor } from '../protocol/descriptor.ts'
import { LIMIT } from '../protocol/names.ts'
import type { HttpAnswer, HttpRequest, Tools } from '../tools.ts'

/** What was read of an answer, and in a few words what it was. */
type Reading<T> = [value: T, found: string]

/** One search. All its requests share a budget of time and are written down, for people to see how something was found. */
export type Search = {
  /**
   * Asks and reads. Whatever fails (no answer, a status other than 2xx, a text that cannot be read) is undefined and stands in
   * the trace: the next way is tried then. @throws Unreachable when the time of the search is over
   */
  ask<T>(step: string, url: string, options: HttpRequest, read: (answer: HttpAnswer) => Reading<T>): Promise<T | undefined>
  trace: TraceStep[]
  /** Why nothing was found: Missing when anybody answered at all, else the first thing that went wrong. */
  failure(): Failure
}

/** `trusted`: every request that led here went by https or inside ALLOW_ADDRESSES. Only then does it tell a key. */
export type Lookup = { descriptor: Descriptor; links: AccountLinks; trusted: boolean }

/** What a failure bears that says that somebody answered, and has nothing to follow. */
export const NO_FEED = { code: 'no_feed' }

const SEARCH_MS = 15_000
const REQUEST_MS = 10_000
const MOST_TEMPLATES = 3

export function makeSearch({ http, clock }: Pick<Tools, 'http' | 'clock'>): Search {
  const end = clock().getTime() + SEARCH_MS
  const trace: TraceStep[] = []
  let first: Failure | undefined

  async function answered<T>(line: TraceStep, options: HttpRequest, read: (answer: HttpAnswer) => Reading<T>): Promise<T> {
    const left = end - clock().getTime()
    const answer = await http.request(line.url!, { maxBytes: LIMIT.descriptorBytes, ...options, timeout: Math.min(left, REQUEST_MS) })
    line.status = answer.status
    if (answer.headers['content-type'] !== undefined) line.type = answer.headers['content-type']
    if (answer.status < 200 || answer.status > 299) throw new Missing(`The answer was ${answer.status}.`)
    const [value, found] = read(answer)
    line.found = found
    return value
  }

  return {
    trace,
    failure: () =>
      first && trace.every(line => line.status === undefined)
        ? first
        : new Missing('Neither an account nor a feed was found there.', NO_FEED),
    async ask(step, url, options, read) {
      const begun = clock().getTime()
      if (begun >= end) throw new Unreachable(`The search took longer than ${SEARCH_MS / 1000} seconds.`)
      const line: TraceStep = { step, url }
      trace.push(line)
      try {
        return await answered(line, options, read)
      } catch (error) {
        if (!isFailure(error)) throw error
        first ??= error
        line.failed = error.message
        return undefined
      } finally {
        line.ms = clock().getTime() - begun
      }
    }
  }
}

/**
 * Finds the descriptor of a resource at a host: https WebFinger, https host-meta, http host-meta (D2). Where the client may
 * not use plain http it refuses, and the trace says so. RFC 7033 knows https only, but a node on somebody's own machine or network
 * has no certificate: a host that is an address or names its port is asked by http as well, if nobody answered by https.
 * @param resource `acct:` URI or URL @param host with its port, if any
 */
export async function lookUp(search: Search, resource: string, host: string): Promise<Lookup | undefined> {
  const before = search.trace.length
  const found = (await askWebFinger(search, `https://${host}`, resource)) ?? (await askHostMeta(search, `https://${host}`, resource))
  if (found) return found
  const silent = search.trace.slice(before).every(line => line.status === undefined)
  const plain = silent && /:\d+$|^\[|^[\d.]+$/.test(host) ? await askWebFinger(search, `http://${host}`, resource) : undefined
  return plain ?? (await askHostMeta(search, `http://${host}`, resource))
}

/** Asks for a descriptor by its address. One without links says nothing and counts as unreadable. */
export function askDescriptor(search: Search, step: string, url: string, type?: string): Promise<Lookup | undefined> {
  const accept = type === undefined ? ACCEPT_DESCRIPTOR : `${type}, */*;q=0.1`
  return search.ask(step, url, { headers: { accept }, plainHttp: 'never' }, answer => {
    const descriptor = readDescriptor(answer.body, answer.headers['content-type'])
    if (descriptor.links.length === 0) throw new BadMessage('The descriptor is empty.')
    const found = `${descriptor.subject ?? 'a descriptor without a subject'}, ${descriptor.links.length} links`
    return [{ descriptor, links: accountLinks(descriptor), trusted: answer.trusted }, found]
  })
}

async function askWebFinger(search: Search, origin: string, resource: string): Promise<Lookup | undefined> {
  const endpoint = `${origin}/.well-known/webfinger?resource=`
  const found = await askDescriptor(search, 'WebFinger', endpoint + encodeResource(resource))
  const status = search.trace.at(-1)?.status
  if (found || !resource.startsWith('acct:') || (status !== 400 && status !== 404)) return found
  // Some hand-written servers decode nothing (D3).
  return askDescriptor(search, 'WebFinger, not encoded', endpoint + resource)
}

async function askHostMeta(search: Search, origin: string, resource: string): Promise<Lookup | undefined> {
  const options: HttpRequest = { headers: { accept: ACCEPT_DESCRIPTOR }, plainHttp: 'never' }
  const host = await search.ask('host-meta', `${origin}/.well-known/host-meta`, options, answer => {
    const templates = lrddTemplates(readDescriptor(answer.body, answer.headers['content-type']))
    if (templates.length === 0) throw new BadMessage('The host-meta names no place to ask.')
    return [{ templates, trusted: answer.trusted }, `${templates[0]!.template}`]
  })
  for (const { template, type } of host?.templates.slice(0, MOST_TEMPLATES) ?? []) {
    const url = expandTemplate(template, resource)
    const found = wasAsked(search, url) ? undefined : await askDescriptor(search, 'LRDD', url, type)
    if (found) return { ...found, trusted: found.trusted && host!.trusted }
  }
  return undefined
}

/** What did not help a moment ago is not asked again: a host-meta usually names the very WebFinger that was tried first. */
export const wasAsked = (search: Search, url: string): boolean => search.trace.some(line => line.url === url)
