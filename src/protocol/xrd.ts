/** Resource descriptors as XML: XRD 1.0, host-meta too (D5, W1, W6). */
import { parseString } from 'xml2js'
import { create } from 'xmlbuilder2'
import type { Descriptor, DescriptorLink } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { LIMIT, NS } from './names.ts'
import { decodeXml, readXml, stripIllegal } from './xml.ts'

const XSI = 'http://www.w3.org/2001/XMLSchema-instance'

/** An element as xml2js gives it. `$$` are its children in order: looked up by name, a child called `__proto__` would be no plain data. */
type Node = {
  $?: Record<string, { value: string; uri: string; local: string }>
  $ns: { uri: string; local: string }
  $$?: Node[]
  _?: string
}

/** @throws BadMessage when it is not well-formed, is over a limit, or has another root than XRD (D4) */
export function readXrd(body: Buffer, contentType?: string): Descriptor {
  const root = parse(body, contentType)
  if (root.$ns.uri !== NS.xrd || !isNamed(root, 'xrd')) throw new BadMessage('The document is not an XRD.')
  const subject = children(root, 'subject').map(text).find(Boolean)
  return {
    ...(subject === undefined ? {} : { subject }),
    aliases: children(root, 'alias').map(text).filter(Boolean),
    properties: children(root, 'property').flatMap(readProperty),
    links: children(root, 'link').flatMap(readLink)
  }
}

/** An XRD document: default namespace, capitalised names, attributes in the order rel, type, href, template. */
export function writeXrd({ subject, aliases, properties, links }: Descriptor): string {
  const root = create({ version: '1.0', encoding: 'UTF-8' }).ele(NS.xrd, 'XRD')
  if (subject !== undefined) root.ele('Subject').txt(stripIllegal(subject))
  for (const alias of aliases) root.ele('Alias').txt(stripIllegal(alias))
  for (const [uri, value] of properties) addProperty(root, uri, value)
  for (const { rel, type, href, template, titles = {}, properties: own = {} } of links) {
    const attributes = Object.entries({ rel, type, href, template }).filter(([, value]) => value !== undefined)
    const link = root.ele('Link', Object.fromEntries(attributes.map(([name, value]) => [name, stripIllegal(value!)])))
    // RFC 7033 section 4.4.4.4 calls a title without a language "und".
    for (const [tag, title] of Object.entries(titles)) {
      const element = link.ele('Title').txt(stripIllegal(title))
      if (tag !== 'und') element.att(NS.xml, 'xml:lang', stripIllegal(tag))
    }
    for (const [uri, value] of Object.entries(own)) addProperty(link, uri, value)
  }
  return `${root.end({ wellFormed: true, prettyPrint: true })}\n`
}

function addProperty(parent: ReturnType<typeof create>, type: string, value: string | null): void {
  const property = parent.ele('Property', { type: stripIllegal(type) })
  if (value === null) property.att(XSI, 'xsi:nil', 'true')
  else property.txt(stripIllegal(value))
}

/** The guard reads first and refuses; only then xml2js, which would take a DOCTYPE, two roots or a hundred thousand levels. */
function parse(body: Buffer, contentType: string | undefined): Node {
  const limits = { bytes: LIMIT.descriptorBytes, nodes: LIMIT.messageNodes, contentType, invalidUtf8: 'refuse' } as const
  const text = decodeXml(body, limits)
  // The bytes were counted; as text they may be more.
  readXml(text, { ...limits, bytes: Number.POSITIVE_INFINITY })
  let root: Node | undefined
  const shape = { xmlns: true, explicitRoot: false, explicitChildren: true, preserveChildrenOrder: true, explicitCharkey: true }
  parseString(text, shape, (error, result: Node) => {
    if (error) throw new BadMessage('The XRD cannot be read.', { cause: error })
    root = result
  })
  return root!
}

function readProperty(property: Node): [string, string | null][] {
  const { type } = attributes(property)
  if (type === undefined) return []
  const nil = Object.values(property.$ ?? {}).some(({ uri, local, value }) => uri === XSI && local === 'nil' && /^(true|1)$/.test(value))
  return [[type, nil ? null : text(property)]]
}

function readLink(link: Node): DescriptorLink[] {
  const { rel, ...rest } = attributes(link)
  if (rel === undefined) return []
  const titles = children(link, 'title').map(title => [attributes(title)['xml:lang'] ?? 'und', text(title)])
  const properties = children(link, 'property').flatMap(readProperty)
  return [
    {
      rel,
      ...Object.fromEntries((['type', 'href', 'template'] as const).flatMap(name => (rest[name] ? [[name, rest[name]]] : []))),
      ...(titles.length > 0 ? { titles: Object.fromEntries(titles) } : {}),
      ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {})
    }
  ]
}

/** Friendica writes `link` small: names are compared without case, and whatever their namespace (D5). */
const isNamed = (node: Node, name: string): boolean => node.$ns.local.toLowerCase() === name

const children = (node: Node, name: string): Node[] => (node.$$ ?? []).filter(child => isNamed(child, name))

const text = (node: Node): string => (node._ ?? '').trim()

/** Attributes that are not empty, trimmed, by their name as written: those of XRD have no prefix, and `xml:` cannot be another. */
const attributes = (node: Node): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(node.$ ?? {}).flatMap(([name, { value }]) => (value.trim() === '' ? [] : [[name, value.trim()]])))
