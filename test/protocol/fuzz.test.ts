/** X12: real documents with something missing or broken. Whatever is taken out, nobody else becomes the author. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Feed } from '../../src/model/activity.ts'
import { BadMessage } from '../../src/model/errors.ts'
import { readAuthor } from '../../src/protocol/atom-author.ts'
import { identityOf } from '../../src/protocol/atom-reader.ts'
import { readFeed, readFeedElement } from '../../src/protocol/feed-document.ts'
import { LIMIT, NS } from '../../src/protocol/names.ts'
import { child, children, escapeXml, isElement, readXml, type XmlElement } from '../../src/protocol/xml.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

const URL = 'https://reader.example/feed'
const FOLDERS = ['feeds', 'entries', 'parse', 'hostile']
const parse = (bytes: Buffer) => readXml(bytes, { bytes: LIMIT.feedBytes, nodes: LIMIT.feedNodes, invalidUtf8: 'replace', base: URL })

function parseOrNot(path: string): XmlElement | undefined {
  try {
    return parse(readSample(path))
  } catch {
    return undefined
  }
}

/** The document, or undefined when it is refused; any error but BadMessage fails the test. */
function attempt(read: () => Feed | undefined): Feed | undefined {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof BadMessage, String(error))
    return undefined
  }
}

/** A feed split into feeds of one entry each, so that taking out a node costs the reading of that entry alone. */
function splitFeed(root: XmlElement): XmlElement[] {
  const entries = children(root, NS.atom, 'entry')
  if (entries.length < 2) return [root]
  return entries.map(entry => ({
    ...root,
    children: root.children.filter(node => node === entry || typeof node === 'string' || !isElement(node, NS.atom, 'entry'))
  }))
}

/** All names by which the document calls whoever speaks in its entry: its author, its source's, its feed's. */
function speakers(root: XmlElement): Set<string> {
  const entry = isElement(root, NS.atom, 'entry') ? root : child(root, NS.atom, 'entry')
  const authors = [root, entry, child(entry, NS.atom, 'source')].flatMap(element => children(element, NS.atom, 'author'))
  return new Set(authors.flatMap(author => readAuthor(author)?.ids ?? []))
}

/** Calls `check` once for every element and attribute, each time with that one missing. Returns how often. */
function takeOutEach(element: XmlElement, check: () => void): number {
  let times = 0
  const without = (list: unknown[], at: number) => {
    const [taken] = list.splice(at, 1)
    check()
    list.splice(at, 0, taken)
    times++
  }
  for (const at of element.attributes.keys()) without(element.attributes, at)
  for (const [at, node] of element.children.entries()) {
    if (typeof node === 'string') continue
    times += takeOutEach(node, check)
    without(element.children, at)
  }
  return times
}

const writeXml = (element: XmlElement): string => {
  const attributes = element.attributes.map(({ name, value }) => ` ${name}="${escapeXml(value)}"`).join('')
  const inner = element.children.map(node => (typeof node === 'string' ? escapeXml(node) : writeXml(node))).join('')
  return `<${element.name}${attributes}>${inner}</${element.name}>`
}

withSamples('documents with something missing', () => {
  const roots = FOLDERS.flatMap(listSamples).flatMap(path => {
    const root = parseOrNot(path)
    return root === undefined ? [] : [{ path, root }]
  })
  const done = new Set<string>()

  for (const { path, root } of roots.filter(one => one.root.ns === NS.atom)) {
    it(`X12 ${path} without any one of its elements and attributes`, () => {
      let times = 0
      for (const part of splitFeed(root)) {
        const known = speakers(part)
        times += takeOutEach(part, () => {
          for (const { actor, object, verb } of attempt(() => readFeedElement(part))?.activities ?? []) {
            const identity = identityOf(actor)
            assert.ok(identity === undefined || known.has(identity), identity)
            if (verb === 'post' && object.type === 'post') assert.equal(identityOf(object.post.author), identity)
          }
        })
      }
      assert.ok(times > 0)
      done.add(path)
    })
  }

  for (const { path, root } of roots.filter(one => one.root.local === 'rss')) {
    it(`X12 ${path} without any one of its elements and attributes`, () => {
      takeOutEach(root, () => void attempt(() => readFeed(Buffer.from(writeXml(root)), { url: URL })))
      done.add(path)
    })
  }

  it('X12 was tried on all of them', () => {
    assert.ok(done.size >= 50, String(done.size))
  })

  it('X12 any sample with bytes cut out or written over', () => {
    const small = FOLDERS.flatMap(listSamples)
      .map(readSample)
      .filter(bytes => bytes.length < 8_000)
    fc.assert(
      fc.property(
        fc.constantFrom(...small),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(40),
        fc.uint8Array({ maxLength: 8 }),
        (bytes, where, length, put) => {
          const start = Math.floor(where * bytes.length)
          attempt(() => readFeed(Buffer.concat([bytes.subarray(0, start), put, bytes.subarray(start + length)]), { url: URL }))
        }
      ),
      { numRuns: 1000 }
    )
  })
})
