/** What an address of the web is, for everybody who asks: http or https, absolute, with a host. */

/** The URL that a text is, against `base` if it is relative; undefined unless it is http or https. */
export function readWebAddress(text: string | undefined, base?: string): URL | undefined {
  const url = URL.parse(text ?? '', base)
  return url !== null && /^https?:$/.test(url.protocol) ? url : undefined
}

/** Whether a text is an http(s) URL by itself. `https:x` and `https:///x`, which a parser mends, are none. */
export const isWebAddress = (text: string | undefined): text is string =>
  text !== undefined && /^https?:\/\/[^/]/i.test(text) && URL.canParse(text)
