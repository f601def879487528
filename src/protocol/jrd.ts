/** Resource descriptors as JSON: JRD (RFC 7033 section 4.4; RFC 6415 appendix A), read as kindly as D5 demands. */
import type { Descriptor, DescriptorLink } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { LIMIT } from './names.ts'

/** @throws BadMessage when it is no JSON object, is not UTF-8, or is longer or deeper than section 0 allows */
export function readJrd(body: Buffer): Descriptor {
  const root = readJson(body)
  if (!isObject(root)) throw new BadMessage('The resource descriptor is not a JSON object.')
  return {
    ...(isText(root.subject) ? { subject: root.subject.trim() } : {}),
    aliases: values(root.aliases)
      .filter(isText)
      .map(alias => alias.trim()),
    properties: pairs(root.properties),
    links: values(root.links).flatMap(readLink)
  }
}

/** JSON text; parts that are empty are left out, so that a host-meta is `{"links":[…]}`. */
export function writeJrd({ subject, aliases, properties, links }: Descriptor): string {
  return JSON.stringify({
    subject,
    aliases: aliases.length > 0 ? aliases : undefined,
    properties: properties.length > 0 ? Object.fromEntries(properties) : undefined,
    links: links.map(({ rel, type, href, template, titles, properties }) => ({ rel, type, href, template, titles, properties }))
  })
}

function readJson(body: Buffer): unknown {
  if (body.length > LIMIT.descriptorBytes) throw new BadMessage('The resource descriptor is too long.', { status: 413 })
  try {
    const root: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
    if (!isDeeperThan(root, LIMIT.depth)) return root
  } catch (cause) {
    throw new BadMessage('The resource descriptor is not JSON.', { cause })
  }
  throw new BadMessage('The resource descriptor is nested too deeply.')
}

function readLink(link: unknown): DescriptorLink[] {
  if (!isObject(link) || !isText(link.rel)) return []
  const texts = (['type', 'href', 'template'] as const).flatMap(name => (isText(link[name]) ? [[name, link[name].trim()]] : []))
  const titles = pairs(link.titles).filter(([, title]) => title !== null)
  const properties = pairs(link.properties)
  return [
    {
      rel: link.rel.trim(),
      ...Object.fromEntries(texts),
      ...(titles.length > 0 ? { titles: Object.fromEntries(titles) } : {}),
      ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {})
    }
  ]
}

/** Items of a list. PHP writes a list with holes as an object keyed by number, and an empty object as an empty list. */
const values = (list: unknown): unknown[] => (isObject(list) || Array.isArray(list) ? Object.values(list) : [])

const pairs = (map: unknown): [string, string | null][] =>
  isObject(map)
    ? Object.entries(map).filter((pair): pair is [string, string | null] => pair[1] === null || typeof pair[1] === 'string')
    : []

const isText = (value: unknown): value is string => typeof value === 'string' && value.trim() !== ''

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const isDeeperThan = (value: unknown, levels: number): boolean =>
  typeof value === 'object' && value !== null && (levels === 0 || Object.values(value).some(child => isDeeperThan(child, levels - 1)))
