/** What a client takes, by the q values of its Accept header. */

type Wish = { type: string; q: number; place: number }

/** The media types of an Accept header with their q (RFC 9110 12.5.1); a q that cannot be read is 1. */
export function readAccept(header: string): Wish[] {
  return header
    .toLowerCase()
    .split(',')
    .map((part, place) => {
      const [type = '', ...parameters] = part.split(';').map(text => text.trim())
      const q = Number(parameters.find(parameter => parameter.startsWith('q='))?.slice(2) ?? 1)
      return { type, q: Number.isNaN(q) ? 1 : q, place }
    })
    .filter(wish => wish.type !== '')
}

const XRD = new Set(['application/xrd+xml', 'application/xml', 'text/xml'])
const isJson = (type: string) => type === 'application/json' || type.endsWith('+json')

/** Whether a JSON type is named, and not refused by `q=0`. */
export const namesJson = (header: string): boolean => readAccept(header).some(wish => wish.q > 0 && isJson(wish.type))

const ACTIVITY = new Set(['application/activity+json', 'application/ld+json'])
const PAGE = new Set(['text/html', 'application/xhtml+xml'])

/**
 * Whether the ActivityPub document is wanted rather than the page at the same address (interface.md 1): only when it is named with a
 * q above that of HTML. A star or plain JSON names nothing.
 */
export function prefersActivityPub(header: string): boolean {
  if (!/json/i.test(header)) return false
  const wishes = readAccept(header)
  const best = (types: Set<string>) => Math.max(0, ...wishes.filter(({ type }) => types.has(type)).map(({ q }) => q))
  return best(ACTIVITY) > best(PAGE)
}

/** Whether a page is wanted where programs get ActivityPub by default: only by who names HTML, and does not prefer the document. */
export const prefersPage = (header: string): boolean =>
  !prefersActivityPub(header) && readAccept(header).some(({ q, type }) => q > 0 && PAGE.has(type))

/**
 * Whether XRD is wanted rather than JRD (W4): only when it is named with a q not below that of any JSON type; of equals the one
 * listed first. No header, a star, HTML: JRD.
 */
export function prefersXrd(header: string): boolean {
  if (header === '' || !header.includes('xml')) return false
  const wishes = readAccept(header).filter(wish => wish.q > 0)
  const best = (some: Wish[]) => some.sort((a, b) => b.q - a.q || a.place - b.place)[0]
  const xrd = best(wishes.filter(wish => XRD.has(wish.type)))
  const json = best(wishes.filter(wish => isJson(wish.type)))
  if (xrd === undefined) return false
  return json === undefined || xrd.q > json.q || (xrd.q === json.q && xrd.place < json.place)
}
