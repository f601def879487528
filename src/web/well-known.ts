/** host-meta and WebFinger, as every known client asks for them (protocols.md W). */
import Router from '@koa/router'
import type { Context } from 'koa'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { describeAccount } from '../federation/describe.ts'
import type { Descriptor } from '../model/activity.ts'
import { BadMessage, Missing, Refused } from '../model/errors.ts'
import { hostDescriptor, nodeDescriptor } from '../protocol/descriptor.ts'
import { writeJrd } from '../protocol/jrd.ts'
import { TYPE } from '../protocol/names.ts'
import { writeXrd } from '../protocol/xrd.ts'
import type { Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { refuseMethod } from './middleware.ts'
import { namesJson, prefersXrd } from './negotiate.ts'
import { makeRendered, type Residents } from './residents.ts'
import { isNode, isResource, nameOfResource } from './resources.ts'

type Form = 'jrd' | 'xrd'

const PATHS = [
  '/.well-known/webfinger',
  '/.well-known/webfinger.json',
  '/.well-known/webfinger.xml',
  '/.well-known/host-meta',
  '/.well-known/host-meta.json'
]
const UNKNOWN_A_MINUTE = 600
/** Seconds for which caches may keep a descriptor: an account's, and the host's, which never changes. */
const ACCOUNT_SECONDS = 3600
const HOST_SECONDS = 259_200

export function wellKnownRoutes(tools: Tools, residents: Residents): Router {
  const { addresses } = tools
  const rendered = makeRendered<Written>(tools, 20_000)
  const limiter = new RateLimiterMemory({ points: UNKNOWN_A_MINUTE, duration: 60 })
  const hosts = hostDescriptor({ xrd: addresses.webfingerTemplate('.xml'), jrd: addresses.webfingerTemplate('') })
  const node = nodeDescriptor(addresses.nodeHandle(), addresses.nodeActor())
  const hostMeta = { jrd: write(hosts, 'jrd', HOST_SECONDS), xrd: write(hosts, 'xrd', HOST_SECONDS) }
  const router = new Router()

  const answerAccount = async (ctx: Context, form: Form) => {
    openToAll(ctx)
    const query = new URLSearchParams(ctx.querystring)
    const resource = oneResource(query)
    const name = nameOfResource(resource, addresses.origin, addresses.handleHost)
    const account = name === undefined ? undefined : (residents.atHand(name) ?? (await residents.find(name)))
    if (account === undefined && isNode(resource, addresses)) return send(ctx, write(node, form))
    if (account === undefined) {
      await limiter.consume(ctx.ip).catch(() => {
        throw new Refused('Too many unknown names were asked for.', { status: 429, code: 'too_many', retryAfter: 60 })
      })
      throw new Missing('There is no such account here.')
    }
    const rels = query.getAll('rel')
    if (rels.length > 0) return send(ctx, write(only(describeAccount(tools, account), rels), form))
    const known = rendered.atHand(account.localName, form)
    send(ctx, known ?? (await rendered.get(account.localName, form, async () => write(describeAccount(tools, account), form))))
  }

  router.get('/.well-known/webfinger', ctx => answerAccount(ctx, prefersXrd(ctx.get('accept')) ? 'xrd' : 'jrd'))
  router.get('/.well-known/webfinger.json', ctx => answerAccount(ctx, 'jrd'))
  router.get('/.well-known/webfinger.xml', ctx => answerAccount(ctx, 'xrd'))
  router.get('/.well-known/host-meta', ctx => {
    openToAll(ctx)
    const accept = ctx.get('accept')
    send(ctx, namesJson(accept) && !prefersXrd(accept) ? hostMeta.jrd : hostMeta.xrd)
  })
  router.get('/.well-known/host-meta.json', ctx => {
    openToAll(ctx)
    send(ctx, hostMeta.jrd)
  })
  for (const path of PATHS) {
    router.options(path, ctx => {
      openToAll(ctx)
      ctx.set('Access-Control-Allow-Methods', 'GET, HEAD')
      ctx.status = 204
    })
    router.all(path, ctx => {
      openToAll(ctx)
      refuseMethod(ctx, 'GET, HEAD, OPTIONS')
    })
  }
  return router
}

/** RFC 7033 5: anybody's script may read it, errors too. */
function openToAll(ctx: Context): void {
  ctx.set({ 'Access-Control-Allow-Origin': '*', Vary: 'Accept', 'X-Content-Type-Options': 'nosniff' })
}

function oneResource(query: URLSearchParams): string {
  const [resource, second] = query.getAll('resource')
  if (resource === undefined || resource.trim() === '') throw new BadMessage('The parameter resource is missing.')
  if (second !== undefined) throw new BadMessage('The parameter resource stands there twice.')
  // a replacement character stands where the query was no UTF-8
  if (resource.length > 2048 || /[\0-\x1f\x7f\ufffd]/.test(resource) || !isResource(resource))
    throw new BadMessage('The resource is no URI.')
  return resource
}

/** RFC 7033 4.3: `rel` filters the links and leaves the rest. */
const only = (descriptor: Descriptor, rels: string[]): Descriptor => ({
  ...descriptor,
  links: descriptor.links.filter(link => rels.includes(link.rel))
})

function write(descriptor: Descriptor, form: Form, seconds = ACCOUNT_SECONDS): Written {
  const type = `${form === 'jrd' ? TYPE.jrd : TYPE.xrd}; charset=utf-8`
  const text = form === 'jrd' ? writeJrd(descriptor) : writeXrd(descriptor)
  return written(text, { 'Content-Type': type, 'Cache-Control': `public, max-age=${seconds}` })
}
