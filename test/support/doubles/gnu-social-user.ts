/** bob, the one user of a GNU social: what his server shows of him and how it writes what he does (gnu-social.md 3 and 4). */
import { connect } from 'node:net'
import type { Descriptor } from '../../../src/model/activity.ts'
import { writeJrd } from '../../../src/protocol/jrd.ts'
import { MAGIC_KEY_DATA, REL, TYPE } from '../../../src/protocol/names.ts'
import { writeXrd } from '../../../src/protocol/xrd.ts'
import { authorXml, entryXml, feedXml, linkXml } from '../atom-documents.ts'
import { type Capture, readCapture } from '../captures.ts'

/** 200, HTML and nothing, unless told otherwise. */
export type Reply = { status?: number; type?: string; headers?: Record<string, string>; body?: string | Buffer }

/** @param magicKey `RSA.n.e` */
export function makeUser(origin: string, magicKey: string) {
  const { host } = new URL(origin)
  const [uri, page, acct] = [`${origin}/user/1`, `${origin}/bob`, `bob@${host}`]
  const [feed, hub, salmon] = [`${origin}/api/statuses/user_timeline/1.atom`, `${origin}/main/push/hub`, `${origin}/main/salmon/user/1`]
  const person = authorXml(uri, `${linkXml('alternate', page)}<poco:preferredUsername>bob</poco:preferredUsername>`)
  const links = [linkXml('self', feed), linkXml('hub', hub), linkXml('salmon', salmon)].join('')
  const names = [`acct:${acct}`, uri, page]

  /** The subject is whatever was asked for; unknown people are an error of the server. */
  const describe = (asked: string | null, type: string, write: (descriptor: Descriptor) => string): Reply => {
    if (asked === null || !names.includes(asked)) return noSuchUser()
    const told = [
      { rel: REL.profilePage, type: TYPE.html, href: page },
      { rel: REL.updatesFrom, type: TYPE.atom, href: feed },
      { rel: REL.salmon, href: salmon },
      { rel: REL.magicKey, href: MAGIC_KEY_DATA + magicKey }
    ]
    return { type, body: write({ subject: asked, aliases: names.filter(name => name !== asked), properties: [], links: told }) }
  }
  const lrdd = { rel: REL.lrdd, type: TYPE.xrd, template: `${origin}/main/xrd?uri={uri}` }
  const hostMeta = writeXrd({ aliases: [], properties: [], links: [lrdd] })
  const show = (entries: string): Buffer => feedXml(`<id>${feed}</id><title>bob</title>${person}${links}${entries}`)

  return {
    ...{ uri, acct, feed },
    /** What anybody may see, by method and path. */
    pages: {
      'GET /.well-known/host-meta': () => ({ type: TYPE.xrd, body: hostMeta }),
      'GET /.well-known/webfinger': ({ query }) => describe(query.get('resource'), TYPE.jrd, writeJrd),
      'GET /main/xrd': ({ query }) => describe(query.get('uri'), TYPE.xrd, writeXrd),
      'GET /user/1': () => ({ status: 303, headers: { location: page } }),
      'GET /bob': () => ({ body: `<html><head>${linkXml('alternate', feed, `type="${TYPE.atom}"`)}</head></html>` }),
      'GET /api/statuses/user_timeline/1.atom': () => ({ type: TYPE.atom, body: show('') })
    } satisfies Record<string, (asked: { query: URLSearchParams }) => Reply>,
    /** A tag: URI of his server. */
    tag: (what: string): string => `tag:${host},2026-01-01:${what}`,
    /** An entry of his, as in an envelope. */
    entry(inner: string, id: string): string {
      const now = new Date().toISOString()
      return entryXml(`<id>${id}</id><published>${now}</published><updated>${now}</updated>${person}${inner}`).toString()
    },
    /** His feed with one entry, as his hub sends it. */
    feedWith: (entry: string): string => show(entry.replace(/^<\?xml.*?\?>/, '')).toString()
  }
}

/** What it says of people whom it does not know, and of any other path. */
export const noSuchUser = (): Reply => ({ status: 500, body: '<html>No such user.</html>' })

/** A request as GNU social makes it: by HTTP/1.0 (F21). POST when there is something to post, else GET. */
export async function send(url: string, post?: { type: string; body: string; headers?: Record<string, string> }): Promise<Capture> {
  const { host, hostname, pathname, port, search } = new URL(url)
  const posted = post && { 'Content-Type': post.type, 'Content-Length': Buffer.byteLength(post.body), ...post.headers }
  const headers = Object.entries({ Host: host, Accept: '*/*', Connection: 'close', ...posted }).map(pair => pair.join(': '))
  const socket = connect(Number(port), hostname)
  socket.write([`${post ? 'POST' : 'GET'} ${pathname}${search} HTTP/1.0`, ...headers, '', post?.body ?? ''].join('\r\n'))
  return readCapture(Buffer.concat(await Array.fromAsync(socket)))
}
