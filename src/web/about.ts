/** What robots and other servers' makers read of this node. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Router from '@koa/router'

const federation = readFileSync(fileURLToPath(new URL('../../FEDERATION.md', import.meta.url)), 'utf8')
const CLOSED = ['api/', 'search', 'push/', 'settings', 'moderation', 'log', 'people/', 'posts/']
const robots = ['User-agent: *', ...CLOSED.map(path => `Disallow: /${path}`), ''].join('\n')

/** `/robots.txt`: feeds, profiles and posts of the accounts may be read. `/FEDERATION.md` (FEP-67ff). */
export function aboutRoutes(): Router {
  const router = new Router()
  const serve = (path: string, type: string, body: string) =>
    router.get(path, ctx => {
      ctx.set({ 'Cache-Control': 'public, max-age=3600', 'X-Content-Type-Options': 'nosniff' })
      ctx.type = `${type}; charset=utf-8`
      ctx.body = body
    })
  serve('/robots.txt', 'text/plain', robots)
  serve('/FEDERATION.md', 'text/markdown', federation)
  return router
}
