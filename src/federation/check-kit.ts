/**
 * Whether the files and lines of a kit stand where they should, asked from outside as others ask. What makes the handle work fails; a line
 * that is only missed is a warning.
 */
import type { Check } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import { ACCEPT_DESCRIPTOR, accountLinks, encodeResource, expandTemplate, lrddTemplates, readDescriptor } from '../protocol/descriptor.ts'
import { TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { checkPages } from './check-pages.ts'
import type { BlogKit } from './kit.ts'
import { describeLook, type Looked, look } from './look.ts'

const PUBLISH = 'Put the file or the lines of the kit where they belong, publish the blog, and check again.'
const XML_TYPES = [TYPE.xrd, TYPE.xml, 'text/xml']

/** All checks of a kit, in the order in which they are told. Some ten requests, each within its time. */
export async function checkKit(tools: Tools, kit: BlogKit): Promise<Check[]> {
  const [domain, pages] = await Promise.all([checkKitDomain(tools, kit), checkPages(tools, kit)])
  return [...domain, ...pages]
}

/** A domain that is to answer for a handle. `base`: the origin by which it is asked; `cure`: what to do when it does not. */
export type Domain = {
  domain: string
  base: string
  handle: string
  uri: string
  origin: string
  isSet: boolean
  cure: string
  prefix?: string
}

/** host-meta and WebFinger of the handle's domain, and whether the node goes by that domain. */
async function checkKitDomain(tools: Tools, kit: BlogKit): Promise<Check[]> {
  return [...(await checkDomain(tools, domainOf(kit))), checkHandles(tools, kit)]
}

/** The domain of a kit, asked as the blog is if they are one host. */
export function domainOf(kit: BlogKit): Domain {
  const blog = new URL(kit.blog)
  const base = blog.host === kit.domain ? blog.origin : `https://${kit.domain}`
  return { domain: kit.domain, base, handle: kit.handle, uri: kit.uri, origin: kit.origin, isSet: kit.isSet, cure: PUBLISH }
}

/** host-meta and WebFinger of a domain. */
export async function checkDomain(tools: Tools, place: Domain): Promise<Check[]> {
  const { base, handle } = place
  const [hostMeta, webFinger] = await Promise.all([
    look(tools, `${base}/.well-known/host-meta`, `${TYPE.xrd}, ${TYPE.xml}`),
    look(tools, `${base}/.well-known/webfinger?resource=${encodeResource(`acct:${handle}`)}`, ACCEPT_DESCRIPTOR)
  ])
  const first = checkHostMeta(place, hostMeta)
  const isOwn = new URL(place.origin).host === place.domain
  return [first, checkWebFinger(place, webFinger, first.state !== 'failure' && !isOwn)]
}

function checkHandles({ config }: Tools, { domain, isSet }: BlogKit): Check {
  if (isSet) return { id: 'handle', state: 'ok', sentence: `Handles end in @${domain}.` }
  const sentence = `Handles still end in @${config.handleHost}, not in @${domain}.`
  return { id: 'handle', state: 'failure', sentence, cure: `Set HANDLE_HOST=${domain} and start the node again.` }
}

function checkHostMeta({ cure: mend, domain, handle, origin, prefix = '' }: Domain, looked: Looked): Check {
  const { answer, seen } = looked
  const told = (state: Check['state'], sentence: string, cure?: string): Check => ({
    ...{ id: `${prefix}host-meta`, state, sentence },
    ...(cure === undefined ? {} : { cure, seen })
  })
  if (answer?.status !== 200) return told('failure', `There is no host-meta at ${domain}: ${describeLook(looked)}.`, mend)
  try {
    const templates = lrddTemplates(readDescriptor(answer.body, answer.headers['content-type']))
    const places = templates.map(({ template }) => expandTemplate(template, `acct:${handle}`))
    if (!places.some(place => place.startsWith(`${origin}/.well-known/webfinger`)))
      return told('failure', `host-meta of ${domain} does not lead to this node, but to ${places[0] ?? 'nowhere'}.`, mend)
  } catch (error) {
    if (!isFailure(error)) throw error
    return told('failure', `host-meta of ${domain} cannot be read: ${error.message}`, mend)
  }
  const type = bareType(looked)
  if (XML_TYPES.includes(type)) return told('ok', `host-meta of ${domain} leads to this node.`)
  return told('warning', `host-meta of ${domain} leads to this node, but is sent as ${type}.`, typeCure(TYPE.xrd))
}

const bareType = ({ answer }: Looked): string => (answer?.headers['content-type'] ?? 'nothing').split(';')[0]!.trim().toLowerCase()

const typeCure = (type: string): string =>
  `Where the host lets you choose, have it sent as ${type}. Most servers read it all the same; GoToSocial does not.`

function checkWebFinger(place: Domain, looked: Looked, hasHostMeta: boolean): Check {
  const { cure: mend, domain, handle, isSet, origin, prefix = '', uri } = place
  const { answer, seen } = looked
  const told = (state: Check['state'], sentence: string, cure?: string): Check => ({
    ...{ id: `${prefix}webfinger`, state, sentence },
    ...(cure === undefined ? {} : { cure, seen })
  })
  if (answer?.status !== 200) {
    const isHere = answer !== undefined && new URL(answer.url).origin === origin
    if (isHere && !new URL(answer.url).search.includes('resource='))
      return told('failure', `WebFinger of ${domain} leads here without the question behind its "?".`, KEEP_QUERY)
    if (isHere && answer.status === 404 && !isSet)
      return told('skipped', `WebFinger of ${domain} leads here, where @${handle} is not known before HANDLE_HOST is set.`)
    const sentence = `WebFinger of ${domain} does not tell of @${handle}: ${describeLook(looked)}.`
    // Mastodon and GoToSocial look at host-meta then
    return answer?.status === 404 && hasHostMeta ? told('warning', sentence, HOST_META_ONLY) : told('failure', sentence, mend)
  }
  try {
    const descriptor = readDescriptor(answer.body, answer.headers['content-type'])
    if (descriptor.subject?.toLowerCase() !== `acct:${handle}`)
      return told('failure', `WebFinger of ${domain} tells of ${descriptor.subject ?? 'nobody'}, not of acct:${handle}.`, mend)
    if (accountLinks(descriptor).activityActor !== uri)
      return told('failure', `WebFinger of ${domain} does not name the account, ${uri}.`, mend)
  } catch (error) {
    if (!isFailure(error)) throw error
    return told('failure', `WebFinger of ${domain} cannot be read: ${error.message}`, mend)
  }
  const type = bareType(looked)
  if (type === TYPE.jrd || type === TYPE.json) return told('ok', `WebFinger of ${domain} tells of @${handle}.`)
  return told('warning', `WebFinger of ${domain} tells of @${handle}, but is sent as ${type}.`, typeCure(TYPE.jrd))
}

const KEEP_QUERY = 'The forward must hand on what stands behind the "?" of the address: take the lines of the kit as they are.'
const HOST_META_ONLY =
  'Mastodon and others find it by host-meta nevertheless. Misskey asks for WebFinger alone: forward that too, or put its file there.'
