/** Pictures that stand in the text of a post: it is shown without them, and they are shown below it, from here (I11, W36). */
import { Parser } from 'htmlparser2'
import type { Enclosure } from '../model/activity.ts'
import { readWebAddress } from './web-address.ts'

const MOST = 4
/** Of what is looked at: whoever writes more before the first picture has none. */
const LONGEST = 500_000

/** Signs within the text, and what counts readers, are no pictures of their own. */
const isTiny = ({ class: kind = '', height = '', width = '' }: Record<string, string>): boolean =>
  /emoji|smiley|avatar|icon/i.test(kind) || [height, width].some(side => side !== '' && Number.parseInt(side, 10) <= 32)

/** The first four pictures in the HTML of a stranger, each once. @param base URL against which their addresses are resolved */
export function picturesIn(html: string, base: string | undefined): Enclosure[] {
  if (!/<img\b/i.test(html)) return []
  const found = new Map<string, Enclosure>()
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name !== 'img' || found.size >= MOST || isTiny(attributes)) return
      const url = attributes.src?.trim() ? readWebAddress(attributes.src, base)?.href : undefined
      const title = attributes.alt?.replace(/\s+/g, ' ').trim().slice(0, 1500)
      if (url !== undefined && !found.has(url)) found.set(url, { url, type: 'image/*', ...(title ? { title } : {}) })
    }
  })
  parser.end(html.slice(0, LONGEST))
  return [...found.values()]
}
