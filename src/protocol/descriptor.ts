/** What a resource descriptor says of an account or a host, however it was written (D4, D6, D10), and ours (W1, W5). */
import type { AccountLinks, Descriptor, DescriptorLink } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { readHandle } from './acct.ts'
import { readJrd } from './jrd.ts'
import { keysOf, writeMagicKeyLink } from './magic.ts'
import { REL, TYPE } from './names.ts'
import { isWebAddress } from './web-address.ts'
import { readXrd } from './xrd.ts'

/** Sent wherever a descriptor is asked for (D4). */
export const ACCEPT_DESCRIPTOR = `${TYPE.jrd}, ${TYPE.json};q=0.9, ${TYPE.xrd};q=0.8, ${TYPE.xml};q=0.5, */*;q=0.1`

export type LrddTemplate = { template: string; type?: string }

/** What our own descriptor of an account is made of. `uri`, `profile`, `feed`, `salmon`, `avatar` are URLs, `handle` is user@host. */
export type LocalAccount = {
  handle: string
  uri: string
  profile: string
  feed: string
  salmon: string
  magicKey: { n: string; e: string }
  subscribeTemplate: string
  avatar?: string
  activityActor?: string
}

/**
 * Reads XRD or JRD, whichever it is: the first character tells, since static hosts send any type (D4).
 * @throws BadMessage when it is neither, an HTML page for instance
 */
export function readDescriptor(body: Buffer, contentType?: string): Descriptor {
  const first = /[^\s\ufeff\0]/.exec(body.toString('latin1', 0, 1024).replace(/^(\xef\xbb\xbf|\xff\xfe|\xfe\xff)/, ''))?.[0]
  if (first === '{') return readJrd(body)
  if (first === '<') return readXrd(body, contentType)
  throw new BadMessage('The answer is neither an XRD nor a JRD.')
}

/** The links that make an account (D10, D11). Only absolute http(s) addresses count; of several the first. */
export function accountLinks(descriptor: Descriptor): AccountLinks {
  const href = (rel: string, accepts: (type: string) => boolean = () => true): string | undefined =>
    descriptor.links.find(link => link.rel === rel && accepts(bareType(link)) && isWebAddress(link.href))?.href
  const found = {
    profile: href(REL.profilePage),
    feed: href(REL.updatesFrom, type => type === '' || type === TYPE.atom),
    salmon: href(REL.salmon) ?? href(REL.salmonReplies) ?? href(REL.salmonMention),
    activityActor: href('self', isActivityType),
    subscribeTemplate: descriptor.links.find(link => link.rel === REL.subscribe && isWebAddress(link.template))?.template,
    avatar: href(REL.avatar)
  }
  return { ...keysOf(descriptor), ...omitUndefined(found) }
}

/** Templates of a host-meta, best type first: JRD, JSON, XRD, untyped, any other (D6). A link without a template is of no use. */
export function lrddTemplates(descriptor: Descriptor): LrddTemplate[] {
  const others: string[] = ['', TYPE.xrd, TYPE.json, TYPE.jrd]
  const rank = (link: DescriptorLink): number => -others.indexOf(bareType(link))
  return descriptor.links
    .filter(link => link.rel.toLowerCase() === REL.lrdd && isWebAddress(link.template))
    .sort((a, b) => rank(a) - rank(b))
    .map(({ template, type }) => ({ template: template!, ...(type === undefined ? {} : { type }) }))
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
export const encodeResource = (resource: string): string =>
  encodeURIComponent(resource).replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

/** RFC 6570 level 1: `{uri}` becomes the encoded resource, any other variable nothing. */
export const expandTemplate = (template: string, resource: string): string =>
  template.replace(/\{([^{}]*)\}/g, (_, name: string) => (name === 'uri' ? encodeResource(resource) : ''))

/** Whether a descriptor names a URI as its own: subject, alias, profile page or actor (D13). Scheme and last slash do not count. */
export function listsUri(descriptor: Descriptor, uri: string): boolean {
  const own = descriptor.links.filter(link => link.rel === REL.profilePage || link.rel === 'self').map(link => link.href)
  return [descriptor.subject, ...descriptor.aliases, ...own].some(name => name !== undefined && likeness(name) === likeness(uri))
}

/** Our descriptor of an account, links in W5's order, each relation once: some clients hash by relation. */
export function accountDescriptor(account: LocalAccount): Descriptor {
  const { handle, uri, profile, feed, salmon, magicKey, subscribeTemplate, avatar, activityActor } = account
  return {
    subject: `acct:${handle}`,
    aliases: [...new Set([profile, uri])],
    properties: [],
    links: [
      { rel: REL.profilePage, type: TYPE.html, href: profile },
      { rel: REL.updatesFrom, type: TYPE.atom, href: feed },
      ...(activityActor === undefined ? [] : [{ rel: 'self', type: TYPE.activity, href: activityActor }]),
      { rel: REL.salmon, href: salmon },
      { rel: REL.salmonReplies, href: salmon },
      { rel: REL.salmonMention, href: salmon },
      { rel: REL.magicKey, href: writeMagicKeyLink(magicKey) },
      { rel: REL.subscribe, template: subscribeTemplate },
      ...(avatar === undefined ? [] : [{ rel: REL.avatar, href: avatar }])
    ]
  }
}

/** The descriptor of the actor in whose name the node itself asks (FEP-2677). */
export const nodeDescriptor = (handle: string, actor: string): Descriptor => ({
  ...{ subject: `acct:${handle}`, aliases: [actor], properties: [] },
  links: [{ rel: 'self', type: TYPE.activity, href: actor }]
})

/** Our host-meta (W1). The XRD template stands first: some clients take the first one, whatever its type. */
export const hostDescriptor = (templates: { xrd: string; jrd: string }): Descriptor => ({
  aliases: [],
  properties: [],
  links: [
    { rel: REL.lrdd, type: TYPE.xrd, template: templates.xrd },
    { rel: REL.lrdd, type: TYPE.jrd, template: templates.jrd }
  ]
})

/**
 * A host-meta that stands on somebody else's domain alone, as a file. There the JRD template comes first: Mastodon and GoToSocial read
 * host-meta only where WebFinger is not answered, take the first template, and read JSON alone.
 */
export const staticHostDescriptor = (templates: { xrd: string; jrd: string }): Descriptor => {
  const { links, ...rest } = hostDescriptor(templates)
  return { ...rest, links: links.toReversed() }
}

const bareType = (link: DescriptorLink): string => (link.type ?? '').split(';')[0]!.trim().toLowerCase()

const isActivityType = (type: string): boolean => type === TYPE.activity || type === 'application/ld+json'

/** A form in which two spellings of one name are equal. */
function likeness(name: string): string {
  try {
    const handle = readHandle(name)
    return handle.kind === 'acct' ? handle.acct : handle.url.replace(/^https?:/, '').replace(/\/$/, '')
  } catch {
    return name
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

const omitUndefined = <T extends object>(object: T): Defined<T> =>
  Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
