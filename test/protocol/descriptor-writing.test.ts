import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import fc from 'fast-check'
import { parseStringPromise } from 'xml2js'
import type { Descriptor } from '../../src/model/activity.ts'
import { accountDescriptor, accountLinks, hostDescriptor, lrddTemplates, readDescriptor } from '../../src/protocol/descriptor.ts'
import { writeJrd } from '../../src/protocol/jrd.ts'
import { readXrd, writeXrd } from '../../src/protocol/xrd.ts'

const key = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' }) as { n: string; e: string }
const ours = accountDescriptor({
  handle: 'ann@a.example',
  uri: 'https://b.a.example/users/ann',
  profile: 'https://b.a.example/@ann?a&b',
  feed: 'https://b.a.example/users/ann.atom',
  salmon: 'https://b.a.example/users/ann/salmon',
  magicKey: key,
  subscribeTemplate: 'https://b.a.example/authorize_interaction?uri={uri}',
  avatar: 'https://b.a.example/media/1'
})

describe('our own descriptors', () => {
  it('W5 writes the links in their order, each relation once', () => {
    assert.deepEqual(
      ours.links.map(link => link.rel.replace(/^.*[/#]/, '')),
      ['profile-page', 'updates-from', 'salmon', 'salmon-replies', 'salmon-mention', 'magic-public-key', 'subscribe', 'avatar']
    )
    assert.equal(ours.subject, 'acct:ann@a.example')
    assert.deepEqual(ours.aliases, ['https://b.a.example/@ann?a&b', 'https://b.a.example/users/ann'])
    assert.doesNotMatch(writeJrd(ours), /null|undefined/)
  })

  it('W5 writes the actor third, once there is one, and one alias when profile and URI are the same', () => {
    const page = 'https://a.example/users/ann'
    const account = {
      handle: 'ann@a.example',
      uri: page,
      profile: page,
      feed: `${page}.atom`,
      salmon: `${page}/salmon`,
      magicKey: key,
      subscribeTemplate: `${page}?{uri}`
    }
    const descriptor = accountDescriptor({ ...account, activityActor: page })
    assert.deepEqual(descriptor.aliases, [page])
    assert.deepEqual(descriptor.links[2], { rel: 'self', type: 'application/activity+json', href: page })
    assert.equal(descriptor.links.length, 8)
  })

  it('W5 passes our own reader and the six needs of Mastodon that a descriptor can meet', () => {
    const links = accountLinks(readDescriptor(Buffer.from(writeJrd(ours)), 'application/jrd+json'))
    assert.deepEqual(Object.keys(links).sort(), ['avatar', 'feed', 'keyUrls', 'keys', 'profile', 'salmon', 'subscribeTemplate'])
    assert.equal(links.keys.length, 1)
  })

  it('W6 writes an XRD that escapes what must be, and reads back as the same', () => {
    const text = writeXrd(ours)
    assert.match(text, /^<\?xml version="1.0" encoding="UTF-8"\?>\n<XRD xmlns="http:\/\/docs.oasis-open.org\/ns\/xri\/xrd-1.0">/)
    assert.match(
      text,
      /<Link rel="http:\/\/webfinger.net\/rel\/profile-page" type="text\/html" href="https:\/\/b.a.example\/@ann\?a&amp;b"\/>/
    )
    assert.deepEqual(readXrd(Buffer.from(text)), ours)
  })

  it('W1 writes a host-meta whose first template is for XRD, readable by xml2js and by a regular expression', async () => {
    const template = 'https://a.example/.well-known/webfinger?resource={uri}'
    const host = hostDescriptor({ xrd: template.replace('?', '.xml?'), jrd: template })
    const text = writeXrd(host)
    assert.equal(/template="([^"]+)"/.exec(text)?.[1], template.replace('?', '.xml?'))
    const tree = (await parseStringPromise(text)) as { XRD: { Link: { $: Record<string, string> }[] } }
    assert.deepEqual(
      tree.XRD.Link.map(link => Object.entries(link.$)),
      [
        [
          ['rel', 'lrdd'],
          ['type', 'application/xrd+xml'],
          ['template', template.replace('?', '.xml?')]
        ],
        [
          ['rel', 'lrdd'],
          ['type', 'application/jrd+json'],
          ['template', template]
        ]
      ]
    )
    assert.deepEqual(JSON.parse(writeJrd(host)), { links: host.links })
    assert.deepEqual(lrddTemplates(host)[0], { template, type: 'application/jrd+json' })
  })

  it('W6 D5 makes the round trip between JRD, XRD and model', () => {
    const word = fc.stringMatching(/^[\x21-\x7eäß€😀]([\x20-\x7eäß€😀]{0,20}[\x21-\x7eäß€😀])?$/u)
    const map = <T>(value: fc.Arbitrary<T>) =>
      fc.dictionary(word, value, { minKeys: 1, maxKeys: 3 }).map(entries => Object.fromEntries(Object.entries(entries)))
    const titles = fc.dictionary(fc.constantFrom('und', 'en', 'de-AT', 'default'), word, { minKeys: 1 }).map(entries => ({ ...entries }))
    const properties = map(fc.option(word))
    const link = fc.record({ rel: word, type: word, href: word, template: word, titles, properties }, { requiredKeys: ['rel'] })
    const descriptor = fc.record(
      { subject: word, aliases: fc.array(word), properties: properties.map(entries => Object.entries(entries)), links: fc.array(link) },
      { requiredKeys: ['aliases', 'properties', 'links'] }
    )
    const sorted = ({ properties, ...rest }: Descriptor) => ({ ...rest, properties: [...properties].sort(([a], [b]) => (a < b ? -1 : 1)) })
    fc.assert(
      fc.property(
        descriptor.map(model => structuredClone(model)),
        model => {
          const throughXml = readDescriptor(Buffer.from(writeXrd(model)))
          assert.deepEqual(throughXml, model)
          assert.deepEqual(sorted(readDescriptor(Buffer.from(writeJrd(throughXml)))), sorted(model))
        }
      )
    )
  })
})
