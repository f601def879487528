/** A blog's sitemap, with all that it leads to, sitemap by sitemap. */
import { BadMessage, isFailure, Missing, Unreachable } from '../model/errors.ts'
import { readSitemap, type Sitemap } from '../protocol/sitemap.ts'
import type { Tools } from '../tools.ts'

const ACCEPT = 'application/xml, text/xml;q=0.9, text/plain;q=0.8, */*;q=0.1'
const BYTES = 10_000_000
const MOST_PAGES = 50_000

export type SitemapPart = { url: string; pages: Sitemap['pages']; left: number; failed?: string }

/**
 * Reads a sitemap and those that it names, one after the other: at most `most` of them, and 50,000 pages. A named one that cannot
 * be read is told of and passed over.
 * @throws Missing, Unreachable, BadMessage, Refused when the first cannot be read
 */
export async function* walkSitemaps(tools: Pick<Tools, 'http'>, first: string, most = 50): AsyncGenerator<SitemapPart> {
  const waiting = [first]
  const known = new Set(waiting)
  let count = 0
  for (let read = 0; read < most && count < MOST_PAGES; read++) {
    const url = waiting.shift()
    if (url === undefined) return
    try {
      const { pages, sitemaps } = await fetchSitemap(tools, url)
      for (const other of sitemaps) {
        if (known.has(other) || known.size >= most) continue
        known.add(other)
        waiting.push(other)
      }
      yield { url, pages: pages.slice(0, MOST_PAGES - count), left: waiting.length }
      count += pages.length
    } catch (error) {
      if (!isFailure(error) || url === first) throw error
      yield { url, pages: [], left: waiting.length, failed: error.message }
    }
  }
}

/** @throws Missing, Unreachable, BadMessage, Refused */
export async function fetchSitemap({ http }: Pick<Tools, 'http'>, url: string): Promise<Sitemap> {
  const answer = await http.request(url, { headers: { accept: ACCEPT }, maxBytes: BYTES, timeout: 20_000, redirects: 5 })
  if (answer.status >= 500) throw new Unreachable(`The sitemap answered ${answer.status}.`, { peer: answer.status })
  if (answer.status !== 200) throw new Missing(`The sitemap answered ${answer.status}.`)
  if (new URL(answer.url).host !== new URL(url).host) throw new BadMessage('The sitemap lies on another host.')
  return readSitemap(answer.body, { url: answer.url, contentType: answer.headers['content-type'], bytes: BYTES })
}
