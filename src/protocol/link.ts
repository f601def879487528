/** Link headers (RFC 8288): of feeds, pages and pushes that we read, and of those that we send. */
import { readWebAddress } from './web-address.ts'

export type WebLink = { url: string; rel: string[]; type?: string; title?: string }

const LONGEST_HEADER = 16_384
const TARGET = /[\s,]*<([^>]*)>/y
const PARAMETER = /\s*;\s*(?:([^\s=;,"]+)\s*)?(?:=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]*)))?/y

/**
 * Reads a Link header, or several joined by commas. Never fails: what is no link is passed over. A link with an `anchor` speaks
 * of another document and is left out (RFC 8288 section 3.2), as is one whose address has no scheme other than http(s).
 * @param base address of the document, against which relative targets are resolved
 * @returns links in order; relations in lower case unless they are URIs
 */
export function readLinks(header: string | undefined, base: string): WebLink[] {
  const text = (header ?? '').slice(0, LONGEST_HEADER)
  const links: WebLink[] = []
  for (let at = 0; at >= 0 && at < text.length; ) {
    TARGET.lastIndex = at
    const target = TARGET.exec(text)
    const [parameters, end] = target ? readParameters(text, TARGET.lastIndex) : [new Map<string, string>(), at]
    const url = target ? readWebAddress(target[1]!, base)?.href : undefined
    if (url !== undefined && !parameters.has('anchor')) links.push(makeLink(url, parameters))
    const comma = text.indexOf(',', end)
    at = comma < 0 ? -1 : comma + 1
  }
  return links.filter(link => link.rel.length > 0)
}

/** The value of a Link header. Nothing in it can end the line or the link. */
export function writeLinks(links: WebLink[]): string {
  const quoted = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `; ${name}="${value.replace(/[^\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`
  return links
    .map(({ url, rel, type, title }) => `<${target(url)}>${quoted('rel', rel.join(' '))}${quoted('type', type)}${quoted('title', title)}`)
    .join(', ')
}

/** Splits a list of relations. Registered ones are compared without regard to case (RFC 8288 section 2.1.1). */
export const readRelations = (text: string): string[] =>
  text
    .split(/\s+/)
    .filter(word => word !== '')
    .map(word => (word.includes(':') ? word : word.toLowerCase()))

function readParameters(text: string, start: number): [Map<string, string>, number] {
  const parameters = new Map<string, string>()
  let end = start
  for (PARAMETER.lastIndex = start; ; ) {
    const found = PARAMETER.exec(text)
    if (!found) return [parameters, end]
    end = PARAMETER.lastIndex
    const name = found[1]?.toLowerCase()
    // Of a parameter written twice the first counts (RFC 8288 section 3.3).
    if (name !== undefined && !parameters.has(name)) parameters.set(name, found[2]?.replace(/\\(.)/g, '$1') ?? found[3] ?? '')
  }
}

function makeLink(url: string, parameters: Map<string, string>): WebLink {
  const [type, title] = [parameters.get('type'), parameters.get('title')]
  return { url, rel: readRelations(parameters.get('rel') ?? ''), ...(type ? { type } : {}), ...(title ? { title } : {}) }
}

const target = (url: string): string => url.toWellFormed().replace(/[^\x21-\x7e]|[<>"\\]/gu, encodeURIComponent)
