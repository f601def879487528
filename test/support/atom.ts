/** Looking into the Atom that we write: its elements by name, in the words of the tests. */
import assert from 'node:assert/strict'
import { writeEntry } from '../../src/protocol/atom-writer.ts'
import type { EntryOut } from '../../src/protocol/feed-parts.ts'
import { LIMIT, NS } from '../../src/protocol/names.ts'
import { attribute, child, children, readXml, text, type XmlElement } from '../../src/protocol/xml.ts'
import { ann } from '../fixtures/outgoing.ts'

export const SCHEMA = 'http://activitystrea.ms/schema/1.0/'

export const parse = (xml: string): XmlElement =>
  readXml(xml, { bytes: LIMIT.messageBytes, nodes: LIMIT.messageNodes, invalidUtf8: 'refuse' })

/** An entry as ann's node writes it, read again. */
export const entryOf = (entry: EntryOut): XmlElement => parse(writeEntry(entry, ann, { root: true }))

export const elements = (element: XmlElement): XmlElement[] => element.children.filter(node => typeof node !== 'string')

export const atom = (element: XmlElement, local: string): string => text(child(element, NS.atom, local))
export const activity = (element: XmlElement, local: string): string => text(child(element, NS.activity, local))
export const object = (element: XmlElement): XmlElement => child(element, NS.activity, 'object') ?? assert.fail()

export const links = (element: XmlElement, rel: string): XmlElement[] =>
  children(element, NS.atom, 'link').filter(link => attribute(link, 'rel') === rel)
export const hrefs = (element: XmlElement, rel: string): (string | undefined)[] => links(element, rel).map(link => attribute(link, 'href'))

/** The names of the elements in an element, in their order; a link with its rel. */
export const outline = (element: XmlElement): string[] =>
  elements(element).map(({ name, ...rest }) => (name === 'link' ? `link ${attribute({ name, ...rest }, 'rel')}` : name))
