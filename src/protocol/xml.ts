/**
 * The only reader of XML (protocols.md I1, I2) and the character rules of its writers (F2). A document becomes a tree of
 * plain objects in which nothing that a stranger wrote is ever the key of an object.
 */
import { type SaxesAttributeNS, SaxesParser, type SaxesTagNS } from 'saxes'
import { BadMessage, isFailure } from '../model/errors.ts'
import { LIMIT, NS } from './names.ts'

export type XmlAttribute = { name: string; local: string; ns: string; value: string }

/** `base` is the URL against which links in the element are resolved (xml:base, else the document's); '' when there is none. */
export type XmlElement = {
  name: string
  local: string
  ns: string
  base: string
  attributes: XmlAttribute[]
  children: (XmlElement | string)[]
}

/** `bytes` and `nodes` (elements and attributes) are the largest allowed; `base` is the URL of the document. */
export type XmlLimits = {
  bytes: number
  nodes: number
  contentType?: string | undefined
  invalidUtf8: 'replace' | 'refuse'
  base?: string | undefined
}

/** A longer base would let a small document grow without bounds, for every link in it is resolved against it. */
const LONGEST_BASE = 2048

/**
 * A document -> its root element. Only the predefined and the numeric entities are known.
 * @throws BadMessage (413 when it is too long) for anything that is not well-formed XML with namespaces within the limits,
 * or that has a DOCTYPE
 */
export function readXml(input: Buffer | string, limits: XmlLimits): XmlElement {
  const text = decodeXml(input, limits)
  const tree = growTree(limits)
  try {
    tree.parser.write(text).close()
  } catch (cause) {
    if (isFailure(cause)) throw cause
    throw new BadMessage(`This is not well-formed XML: ${String((cause as Error).message).slice(0, 200)}`, { cause })
  }
  return tree.root()
}

/**
 * The text of a document: charset by byte order mark, then Content-Type, then XML declaration, else UTF-8 (I2).
 * @throws BadMessage when it is too long (413), in a charset that nobody may use, or not in the charset that it names
 */
export function decodeXml(input: Buffer | string, limits: XmlLimits): string {
  if (Buffer.byteLength(input) > limits.bytes) {
    throw new BadMessage(`The document is longer than ${limits.bytes} bytes.`, { status: 413, code: 'too_long' })
  }
  if (typeof input === 'string') return input
  const charset = charsetOf(input, limits.contentType)
  try {
    return new TextDecoder(charset, { fatal: limits.invalidUtf8 === 'refuse' }).decode(input)
  } catch (cause) {
    throw new BadMessage(`The document is not readable as ${charset.slice(0, 40)}.`, { cause })
  }
}

function charsetOf(input: Buffer, contentType = ''): string {
  if (input[0] === 0xef && input[1] === 0xbb && input[2] === 0xbf) return 'utf-8'
  if (input[0] === 0xff && input[1] === 0xfe) return 'utf-16le'
  if (input[0] === 0xfe && input[1] === 0xff) return 'utf-16be'
  const sent = /;\s*charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1]
  if (sent !== undefined) return sent
  const start = input.subarray(0, 256).toString('latin1')
  const declared = /^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([^"']+)/.exec(start)?.[1] ?? 'utf-8'
  // Whoever can be read byte by byte so far is not UTF-16, whatever he says.
  return /^utf-?16/i.test(declared) ? 'utf-8' : declared
}

/** The events of a parser that throws what is over a limit, and the tree that grows out of them. */
function growTree(limits: XmlLimits) {
  const parser = new SaxesParser({ xmlns: true, position: false, forceXMLVersion: true, defaultXMLVersion: '1.0' })
  const open: XmlElement[] = []
  let root: XmlElement | undefined
  let nodes = 0
  let attributes = 0
  const count = () => {
    if (++nodes > limits.nodes) throw new BadMessage(`The document has more than ${limits.nodes} elements and attributes.`)
  }
  parser.on('doctype', () => {
    throw new BadMessage('A document with a DOCTYPE is not read.')
  })
  parser.on('attribute', () => {
    count()
    if (++attributes > LIMIT.attributes) throw new BadMessage(`An element has more than ${LIMIT.attributes} attributes.`)
  })
  parser.on('opentag', tag => {
    count()
    attributes = 0
    if (open.length >= LIMIT.depth) throw new BadMessage(`The document is more than ${LIMIT.depth} levels deep.`)
    const element = makeElement(tag, open.at(-1)?.base ?? limits.base ?? '')
    open.at(-1)?.children.push(element)
    root ??= element
    open.push(element)
  })
  parser.on('closetag', () => open.pop())
  parser.on('text', piece => addText(open.at(-1), piece))
  parser.on('cdata', piece => addText(open.at(-1), piece))
  return {
    parser,
    root(): XmlElement {
      if (root === undefined) throw new BadMessage('The document is empty.')
      return root
    }
  }
}

/** Text that a comment or CDATA interrupts is one text (X16); what stands outside the root is white space. */
function addText(element: XmlElement | undefined, piece: string): void {
  if (typeof element?.children.at(-1) === 'string') element.children.push(`${element.children.pop()}${piece}`)
  else element?.children.push(piece)
}

function makeElement(tag: SaxesTagNS, outerBase: string): XmlElement {
  const attributes = Object.values(tag.attributes).map(({ name, local, uri, value }: SaxesAttributeNS) => ({ name, local, ns: uri, value }))
  const element = { name: tag.name, local: tag.local, ns: tag.uri, base: outerBase, attributes, children: [] }
  const base = attribute(element, 'base', NS.xml)?.trim()
  if (base !== undefined && base.length <= LONGEST_BASE) element.base = URL.parse(base, outerBase || undefined)?.href ?? outerBase
  return element
}

/** Whether an element has that name, compared by namespace. */
export const isElement = (element: XmlElement, ns: string, local: string): boolean => element.local === local && element.ns === ns

const isNamed =
  (ns: string, local: string) =>
  (node: XmlElement | string): node is XmlElement =>
    typeof node === 'object' && isElement(node, ns, local)

/** The first direct child of that name (I4). */
export const child = (element: XmlElement | undefined, ns: string, local: string): XmlElement | undefined =>
  element?.children.find(isNamed(ns, local))

/** All direct children of that name, in document order. */
export const children = (element: XmlElement | undefined, ns: string, local: string): XmlElement[] =>
  element?.children.filter(isNamed(ns, local)) ?? []

/** The whole text in an element, in whatever pieces it was written; '' when there is no element. Not trimmed. */
export function text(element: XmlElement | undefined): string {
  if (element === undefined) return ''
  return element.children.map(node => (typeof node === 'string' ? node : text(node))).join('')
}

/** The value of an attribute, by default of one without a namespace. */
export function attribute(element: XmlElement | undefined, local: string, ns = ''): string | undefined {
  return element?.attributes.find(one => one.local === local && one.ns === ns)?.value
}

const VOID = new Set(['area', 'base', 'br', 'col', 'embed', 'hr', 'img', 'input', 'link', 'meta', 'source', 'track', 'wbr'])

/** What stands in an element, written as HTML without prefixes: for xhtml content (I11). Not safe, only well-formed. */
export function innerXml(element: XmlElement): string {
  return element.children.map(node => (typeof node === 'string' ? escapeXml(node) : outerXml(node))).join('')
}

function outerXml(element: XmlElement): string {
  const { local } = element
  const attributes = element.attributes
    .filter(one => one.ns === '' && one.name !== 'xmlns')
    .map(one => ` ${one.local}="${escapeXml(one.value)}"`)
  const start = `<${local}${attributes.join('')}>`
  return VOID.has(local) ? start : `${start}${innerXml(element)}</${local}>`
}

const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '\r': '&#13;' }

/** Removes what XML 1.0 section 2.2 has no place for: control characters, U+FFFE and U+FFFF, lone surrogates (F2). */
export const stripIllegal = (raw: string): string => raw.replace(ILLEGAL, '')

/** Text -> text in an element or an attribute, without illegal characters; a carriage return would not survive as itself. */
export const escapeXml = (raw: string): string => stripIllegal(raw).replace(/[&<>"'\r]/g, character => ESCAPES[character] ?? '')
