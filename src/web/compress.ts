/** Text goes out compressed to whoever takes it so (RFC 9110 8.4, 12.5.3); what is left as it is, and why: docs/decisions/0014. */
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { Context, Middleware } from 'koa'

type Coding = 'br' | 'gzip'

/** Below it the headers weigh as much as what is won. */
const LEAST = 1024
/** As quick as gzip's default, and smaller. */
const QUALITY = 5
const TEXT = /^(?:text\/(?!event-stream)|image\/svg\+xml|application\/(?:[\w.-]+\+)?(?:json|xml|javascript)\b)/

const codecs: Record<Coding, (body: Buffer) => Promise<Buffer>> = {
  br: body => promisify(brotliCompress)(body, { params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY } }),
  gzip: body => promisify(gzip)(body)
}

/** Documents that are kept in memory are the same bytes each time: they are compressed once, and forgotten with them. */
const kept = new WeakMap<Buffer, Partial<Record<Coding, Promise<Buffer>>>>()

/** Compresses answers that were made by whoever comes after it. Streams, pictures, and what no cache may keep stay as they are. */
export function compress(): Middleware {
  return async (ctx, next) => {
    await next()
    if (ctx.status === 304) ctx.vary('Accept-Encoding')
    const body = compressible(ctx)
    if (body === undefined) return
    ctx.vary('Accept-Encoding')
    const coding = ctx.acceptsEncodings('br') || ctx.acceptsEncodings('gzip')
    if (ctx.method === 'HEAD' || (coding !== 'br' && coding !== 'gzip')) return
    const small = await shrink(body, coding)
    if (small.length >= Buffer.byteLength(body)) return
    ctx.body = small
    ctx.set('Content-Encoding', coding)
  }
}

/** Koa gives nothing for a header that was not set, whatever its types say. */
const headerOf = (ctx: Context, name: string): string => ctx.response.get(name) || ''

function compressible(ctx: Context): string | Buffer | undefined {
  const { body, status } = ctx
  if (status !== 200 || (typeof body !== 'string' && !Buffer.isBuffer(body)) || Buffer.byteLength(body) < LEAST) return undefined
  const isClosed = /no-store|no-transform/.test(headerOf(ctx, 'Cache-Control')) || headerOf(ctx, 'Content-Encoding') !== ''
  return isClosed || !TEXT.test(headerOf(ctx, 'Content-Type')) ? undefined : body
}

function shrink(body: string | Buffer, coding: Coding): Promise<Buffer> {
  if (typeof body === 'string') return codecs[coding](Buffer.from(body))
  const forms = kept.get(body) ?? {}
  kept.set(body, forms)
  forms[coding] ??= codecs[coding](body)
  return forms[coding]
}
