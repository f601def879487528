/**
 * What an address of the web is, for everybody who asks: http or https, absolute, with a host. One whose host ends in the dot of the
 * root is none: it would be a second name of everything on that host (X13, CVE-2023-42451), and nobody writes it.
 */

/** The URL that a text is, against `base` if it is relative; undefined unless it is http or https. */
export function readWebAddress(text: string | undefined, base?: string): URL | undefined {
  const url = URL.parse(text ?? '', base)
  return url !== null && /^https?:$/.test(url.protocol) && !url.hostname.endsWith('.') ? url : undefined
}

/** Whether a text is an http(s) URL by itself. `https:x` and `https:///x`, which a parser mends, are none. */
export const isWebAddress = (text: string | undefined): text is string =>
  text !== undefined && /^https?:\/\/[^/]/i.test(text) && readWebAddress(text) !== undefined

/** A host, perhaps with a port, as hosts are compared: without the dot of the root. */
export const withoutRoot = (host: string): string => host.replace(/(?<!\.)\.+(?=(:\d+)?$)/, '')
