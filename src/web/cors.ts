/** Which pages' scripts may read what we answer: those of our blogs (interface.md 4). */
import type { Middleware } from 'koa'
import type { Tools } from '../tools.ts'

const STALE_MS = 60_000

/**
 * Lets scripts of our blogs, by http and https alike, read the answer, errors too; answers OPTIONS itself. Whose blogs there are is
 * kept in memory: looked up again each minute, and when an account changed.
 */
export function allowBlogs({ blogs, clock, config, onChange }: Pick<Tools, 'blogs' | 'clock' | 'config' | 'onChange'>): Middleware {
  let known: { origins: Set<string>; until: number } | undefined
  const load = async (): Promise<Set<string>> => {
    const urls = [...(await blogs.all()).map(blog => blog.url), config.blogUrl].filter(url => url !== undefined)
    const hosts = [...urls.map(url => new URL(url).host), ...(config.blogPostPattern?.host ? [config.blogPostPattern.host] : [])]
    const origins = new Set(hosts.flatMap(host => [`https://${host}`, `http://${host}`]))
    known = { origins, until: clock().getTime() + STALE_MS }
    return origins
  }
  onChange(told => {
    if (told === '*' || told.startsWith('account')) known = undefined
  })
  return async (ctx, next) => {
    ctx.vary('Origin')
    const origin = ctx.get('origin')
    const isOurs = origin !== '' && (known && known.until > clock().getTime() ? known.origins : await load()).has(origin)
    if (isOurs) ctx.set('Access-Control-Allow-Origin', origin)
    if (ctx.method !== 'OPTIONS') return next()
    ctx.set({ 'Access-Control-Allow-Methods': 'GET, HEAD', 'Access-Control-Max-Age': '86400' })
    ctx.status = 204
  }
}
