/** The first picture in HTML, with its alternative text. */
import { Parser } from 'htmlparser2'
import { line, webUrl } from './atom-parts.ts'

/** Pictures of this size or smaller count visitors, they show nothing. */
const SPECK = 2

/** @param base URL of the page, against which its address is resolved */
export function firstImage(html: string, base: string): { url: string; alt?: string } | undefined {
  let found: { url: string; alt?: string } | undefined
  const parser = new Parser({
    onopentag(name, { alt, height, src, width }) {
      const isSpeck = [width, height].some(size => size !== undefined && /^\d+$/.test(size) && Number(size) <= SPECK)
      const url = name === 'img' && !isSpeck ? webUrl(src, base) : undefined
      if (url === undefined) return
      const text = line(alt)
      found = { url, ...(text ? { alt: text } : {}) }
      parser.pause()
    }
  })
  parser.write(html)
  return found
}
