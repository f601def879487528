/** What a page names anywhere in it: for who wants to know whether a line that was put into it stands there. */
import { Parser } from 'htmlparser2'
import { readRelations, type WebLink } from './link.ts'
import { LIMIT } from './names.ts'
import { decodePage } from './page.ts'
import { readWebAddress } from './web-address.ts'

/** Addresses are absolute. `links` are those with a `rel`, of `<link>` and `<a>`; `quiet` those inside `<noscript>`. */
export type PageLines = { scripts: string[]; links: WebLink[]; creators: string[]; quiet: string[] }

/** Reads the first megabyte. Never fails; what is not HTML names nothing. @param url where the page came from */
export function readPageLines(body: Buffer, { contentType, url }: { contentType?: string; url: string }): PageLines {
  const lines: PageLines = { scripts: [], links: [], creators: [], quiet: [] }
  let noscript = 0
  const parser = new Parser({
    onopentag(name, { content, href, name: meta, property, rel, src, type }) {
      if (name === 'noscript') noscript++
      const target = href === undefined ? undefined : readWebAddress(href, url)?.href
      const script = name === 'script' && src !== undefined ? readWebAddress(src, url)?.href : undefined
      if (script !== undefined) lines.scripts.push(script)
      if (name === 'a' && noscript > 0 && target !== undefined) lines.quiet.push(target)
      if ((name === 'a' || name === 'link') && target !== undefined && rel)
        lines.links.push({ url: target, rel: readRelations(rel), ...(type ? { type: type.trim().toLowerCase() } : {}) })
      const isCreator = name === 'meta' && [meta, property].some(text => text?.trim().toLowerCase() === 'fediverse:creator')
      if (isCreator && content) lines.creators.push(content.trim().replace(/^@/, '').toLowerCase())
    },
    onclosetag(name) {
      if (name === 'noscript' && noscript > 0) noscript--
    }
  })
  parser.end(decodePage(body.subarray(0, LIMIT.messageBytes), contentType))
  return lines
}
