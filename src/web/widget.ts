/** What a blog includes: the script of the conversation, and the way to it for those who run none. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import Router from '@koa/router'
import { findPlaces } from '../federation/handled.ts'
import { BadMessage, Missing } from '../model/errors.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import type { Tools } from '../tools.ts'

const script = readFileSync(fileURLToPath(new URL('../../views/widget.js', import.meta.url)))
const forms = { br: brotliCompressSync(script), gzip: gzipSync(script, { level: 9 }), identity: script }
const tag = createHash('sha256').update(script).digest('base64url').slice(0, 22)

/** `/widget.js`, and `/conversation`, a link for a blog's `<noscript>` that is the same on every page. */
export function widgetRoutes(tools: Tools): Router {
  const { actors, blogs, history } = tools
  const router = new Router()
  router.get('/widget.js', ctx => {
    const encoding = ctx.acceptsEncodings('br', 'gzip', 'identity') || 'identity'
    ctx.set({
      ...{ ETag: `"${tag}"`, 'Cache-Control': 'public, max-age=3600', 'X-Content-Type-Options': 'nosniff' },
      // blogs include it from elsewhere, also those that isolate themselves
      ...{ 'Cross-Origin-Resource-Policy': 'cross-origin', 'Access-Control-Allow-Origin': '*' }
    })
    ctx.vary('Accept-Encoding')
    ctx.type = 'text/javascript; charset=utf-8'
    ctx.status = 200
    if (ctx.fresh) {
      ctx.status = 304
      return
    }
    if (encoding !== 'identity') ctx.set('Content-Encoding', encoding)
    ctx.body = forms[encoding as keyof typeof forms]
  })
  router.get('/conversation', async ctx => {
    // the blog's link says where it stands by `referrerpolicy="unsafe-url"`: so it need not differ from page to page
    const told = new URLSearchParams(ctx.querystring).get('url') || ctx.get('referer')
    const address = told === '' ? undefined : cleanAddress(told)
    if (address === undefined) throw new BadMessage('The address of a blog post is missing: ?url=…', { code: 'no_url' })
    const page = await blogs.findPage([address.url, address.bare].map(pageKey))
    const entry = page && (await blogs.findEntry(page.key))
    const post = entry && (await history.find(entry.postId))
    const account = entry && (await actors.find(entry.accountId))
    const isPost = post !== undefined && account?.localName !== undefined
    const path = isPost ? `/users/${account.localName}/posts/${post.id}` : await frontPath(tools, address.bare)
    if (path === undefined) throw new Missing('There is no conversation about this page here yet.')
    ctx.set('Cache-Control', 'no-cache')
    ctx.status = 302
    ctx.redirect(path)
  })
  return router
}

/** The front page of a blog stands for its account. */
async function frontPath(tools: Tools, address: string): Promise<string | undefined> {
  const place = (await findPlaces(tools)).find(({ url }) => url !== undefined && pageKey(url) === pageKey(address))
  return place && `/users/${place.account.localName}`
}
