/** Documents that were written beforehand, and requests that ask for them only if they changed (RFC 9110 13). */
import { createHash } from 'node:crypto'
import type { Context } from 'koa'

export type Written = { body: Buffer; etag: string; updated?: Date; headers: Record<string, string> }

/**
 * A document ready to be sent; its ETag comes from its bytes, so that every process gives the same. It is a weak one, as the document
 * may go out compressed (RFC 9110 8.8.1).
 */
export function written(text: string | Buffer, headers: Record<string, string>, updated?: Date): Written {
  const body = typeof text === 'string' ? Buffer.from(text) : text
  const etag = `W/"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`
  const dated = updated === undefined ? {} : { 'Last-Modified': updated.toUTCString() }
  return { body, etag, headers: { ...headers, ETag: etag, ...dated }, ...(updated === undefined ? {} : { updated }) }
}

/** Weak and strong ones are compared as weak ones here (RFC 9110 8.8.3.2). */
const weak = (etag: string): string => etag.replace(/^W\//, '')

/** 200 with the document, or 304 without. */
export function send(ctx: Context, document: Written): void {
  ctx.set(document.headers)
  ctx.status = isKnown(ctx, document) ? 304 : 200
  if (ctx.status === 200) ctx.body = document.body
}

/**
 * Whether the client has this very document. If-None-Match decides alone when it is there (13.2.2); koa's `fresh` wants both, and
 * takes `Cache-Control: no-cache`, which is meant for caches, for a wish to get it again.
 */
function isKnown(ctx: Context, { etag, updated }: Written): boolean {
  const known = ctx.get('if-none-match')
  if (known !== '') return known.trim() === '*' || known.split(',').some(one => weak(one.trim()) === weak(etag))
  const since = Date.parse(ctx.get('if-modified-since'))
  return updated !== undefined && Math.floor(updated.getTime() / 1000) * 1000 <= since
}
