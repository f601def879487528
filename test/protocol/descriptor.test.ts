import assert from 'node:assert/strict'
import type { Descriptor } from '../../src/model/activity.ts'
import { BadMessage } from '../../src/model/errors.ts'
import { accountLinks, expandTemplate, listsUri, lrddTemplates, readDescriptor } from '../../src/protocol/descriptor.ts'
import { readJrd } from '../../src/protocol/jrd.ts'
import { NS } from '../../src/protocol/names.ts'
import { readXrd } from '../../src/protocol/xrd.ts'

const xrd = (inside: string, name = 'XRD'): Buffer => Buffer.from(`<${name} xmlns="${NS.xrd}">${inside}</${name}>`)
const jrd = (document: unknown): Buffer => Buffer.from(JSON.stringify(document))
const nothing: Descriptor = { aliases: [], properties: [], links: [] }

describe('descriptors', () => {
  const types = [
    ['its right type', 'application/jrd+json', 'application/xrd+xml; charset=utf-8'],
    ['text/plain', 'text/plain', 'text/plain'],
    ["the other's type", 'application/xrd+xml', 'application/jrd+json'],
    ['no type', undefined, undefined]
  ]
  for (const [what, json, xml] of types) {
    it(`D4 tells JRD and XRD apart when they are sent with ${what}`, () => {
      assert.equal(readDescriptor(jrd({ subject: 'acct:ann@a.example' }), json).subject, 'acct:ann@a.example')
      assert.equal(readDescriptor(xrd('<Subject>acct:ann@a.example</Subject>'), xml).subject, 'acct:ann@a.example')
    })
  }

  it('D4 looks past a byte order mark and white space', () => {
    assert.deepEqual(readDescriptor(Buffer.from('\ufeff{}')), nothing)
    assert.equal(readDescriptor(Buffer.from(`\ufeff${xrd('<Subject>s</Subject>')}`)).subject, 's')
    assert.deepEqual(readDescriptor(Buffer.from('\n  {}')), nothing)
  })

  const unreadable: [what: string, body: string][] = [
    ['nothing', ''],
    ['plain text', 'not found'],
    ['an HTML page', '<!DOCTYPE html><html><head></head></html>'],
    ['a page of XHTML', `<html xmlns="${NS.xhtml}"/>`],
    ['another root in the namespace', `<Link xmlns="${NS.xrd}"/>`],
    ['an XRD outside its namespace', '<XRD><Subject>x</Subject></XRD>'],
    ['an XRD that does not end', `<XRD xmlns="${NS.xrd}">`],
    ['an entity bomb', `<!DOCTYPE x [<!ENTITY a "b">]><XRD xmlns="${NS.xrd}"><Subject>&a;</Subject></XRD>`],
    ['an XRD of 5000 levels', `<XRD xmlns="${NS.xrd}">${'<Link>'.repeat(5000)}${'</Link>'.repeat(5000)}</XRD>`],
    ['an XRD of 300 kB', `<XRD xmlns="${NS.xrd}"><Subject>${'x'.repeat(300_000)}</Subject></XRD>`],
    ['JSON that does not end', '{"links":['],
    ['JSON of 200 levels', `{"links":${'['.repeat(200)}${']'.repeat(200)}}`],
    ['JSON of 120,000 levels', `{"links":${'['.repeat(120_000)}${']'.repeat(120_000)}}`],
    ['a JRD of 300 kB', JSON.stringify({ subject: 'x'.repeat(300_000) })]
  ]
  for (const [what, body] of unreadable)
    it(`D4 D14 refuses ${what}`, () => assert.throws(() => readDescriptor(Buffer.from(body)), BadMessage))

  it('D4 refuses a JRD that is not UTF-8', () =>
    assert.throws(() => readDescriptor(Buffer.from('{"subject":"\xff"}', 'latin1')), BadMessage))

  it('D5 reads elements in any case and namespace, with line breaks around the text', () => {
    const body = xrd(
      `<hm:Host xmlns:hm="${NS.hostMeta}">a.example</hm:Host><subject>\n acct:ann@a.example\n</subject>
      <x:Alias xmlns:x="urn:x">https://a.example/ann</x:Alias><link rel=" salmon " href="\n https://a.example/s "/>
      <Link rel="b" type=""><title xml:lang="de">Bild</title><Title>picture</Title></Link>`,
      'xrd'
    )
    assert.deepEqual(readXrd(body), {
      subject: 'acct:ann@a.example',
      aliases: ['https://a.example/ann'],
      properties: [],
      links: [
        { rel: 'salmon', href: 'https://a.example/s' },
        { rel: 'b', titles: { de: 'Bild', und: 'picture' } }
      ]
    })
  })

  it('D5 reads properties, those that are nil too', () => {
    const nil = '<Property xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" type="urn:b" xsi:nil="true"/>'
    const body = xrd(`<Property type="urn:a">1</Property>${nil}<Link rel="x">${nil}</Link><Property>none</Property>`)
    const expected: Descriptor = {
      aliases: [],
      properties: [
        ['urn:a', '1'],
        ['urn:b', null]
      ],
      links: [{ rel: 'x', properties: { 'urn:b': null } }]
    }
    assert.deepEqual(readXrd(body), expected)
    assert.deepEqual(
      readJrd(jrd({ properties: { 'urn:a': '1', 'urn:b': null, 'urn:c': 3 }, links: [{ rel: 'x', properties: { 'urn:b': null } }] })),
      expected
    )
  })

  const partial: [what: string, document: unknown, descriptor: Descriptor][] = [
    ['no part at all', {}, nothing],
    ['null for each part', { subject: null, aliases: null, properties: null, links: null }, nothing],
    [
      'links keyed by number, as PHP writes them',
      { links: { 1: { rel: 'a' }, 3: { rel: 'b', href: null } } },
      { ...nothing, links: [{ rel: 'a' }, { rel: 'b' }] }
    ],
    ['an empty list where an object belongs', { properties: [], links: [{ rel: 'a', titles: [] }] }, { ...nothing, links: [{ rel: 'a' }] }],
    [
      'values of the wrong type',
      { subject: 1, aliases: [1, 'b', {}], links: [1, null, 'x', [], {}, { rel: 2 }, { rel: 'c', href: {}, type: 1 }] },
      { ...nothing, aliases: ['b'], links: [{ rel: 'c' }] }
    ]
  ]
  for (const [what, document, descriptor] of partial)
    it(`D5 reads a JRD with ${what}`, () => assert.deepEqual(readJrd(jrd(document)), descriptor))

  it('X36 takes names like __proto__ and constructor as plain data', () => {
    const json = readJrd(
      Buffer.from(
        '{"__proto__":{"a":"b"},"properties":{"__proto__":"x"},"links":[{"rel":"r","titles":{"__proto__":"t"},"__proto__":{"href":"h"}}]}'
      )
    )
    assert.deepEqual(json.properties, [['__proto__', 'x']])
    assert.equal(json.links[0]!.href, undefined)
    const xml = readXrd(
      xrd(
        '<__proto__ polluted="1"/><constructor>x</constructor><Link rel="__proto__" __proto__="x"><__proto__/></Link><Subject>s</Subject>'
      )
    )
    assert.deepEqual(xml, { ...nothing, subject: 's', links: [{ rel: '__proto__' }] })
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('D6 prefers the templates for JRD, JSON, XRD, then those without a type, and needs rel and template', () => {
    const link = (type: string | undefined, template = `https://a.example/${type ?? 'untyped'}?{uri}`, rel = 'lrdd') => ({
      rel,
      template,
      ...(type ? { type } : {})
    })
    const links = [
      link('text/html'),
      link(undefined),
      link('application/xrd+xml'),
      link('application/json'),
      link('Application/JRD+json; charset=utf-8'),
      link('x', 'https://a.example/', 'describedby'),
      { rel: 'lrdd', href: 'https://a.example/h' },
      link('application/jrd+json', 'gopher:{uri}')
    ]
    assert.deepEqual(
      lrddTemplates({ ...nothing, links }).map(({ type }) => type),
      ['Application/JRD+json; charset=utf-8', 'application/json', 'application/xrd+xml', undefined, 'text/html']
    )
  })

  const expansions = [
    ['https://h/describe/{uri}', 'https://h/describe/acct%3Aann%40a.example'],
    ['https://h/xrd/?uri={uri}&x={other}', 'https://h/xrd/?uri=acct%3Aann%40a.example&x='],
    ['https://h/{+path}?q={uri}#{uri}', 'https://h/?q=acct%3Aann%40a.example#acct%3Aann%40a.example'],
    ['https://h/fixed', 'https://h/fixed']
  ]
  for (const [template, url] of expansions)
    it(`D6 expands ${template}`, () => assert.equal(expandTemplate(template!, 'acct:ann@a.example'), url))

  it('D6 encodes all but unreserved characters', () =>
    assert.equal(expandTemplate('{uri}', "a-._~!'()*$&ü"), 'a-._~%21%27%28%29%2A%24%26%C3%BC'))

  it('D10 picks the first feed of type Atom or without a type, and only web addresses', () => {
    const rel = 'http://schemas.google.com/g/2010#updates-from'
    const links = [
      { rel, type: 'application/json', href: 'https://a.example/1' },
      { rel, href: '/relative' },
      { rel, type: 'application/atom+xml; charset=utf-8', href: 'https://a.example/2' },
      { rel, href: 'https://a.example/3' },
      { rel: 'salmon', href: 'javascript:alert(1)' },
      { rel: 'http://salmon-protocol.org/ns/salmon-replies', href: 'https://a.example/s' },
      { rel: 'self', type: 'text/html', href: 'https://a.example/html' },
      { rel: 'self', type: 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"', href: 'https://a.example/actor' }
    ]
    assert.deepEqual(accountLinks({ ...nothing, links }), {
      feed: 'https://a.example/2',
      salmon: 'https://a.example/s',
      activityActor: 'https://a.example/actor',
      keys: [],
      keyUrls: []
    })
  })

  it('D13 finds a URI among subject, aliases, profile page and actor, with or without the last slash, by http or https', () => {
    const listed = {
      subject: 'https://a.example/u/1',
      aliases: ['http://a.example/ann/'],
      properties: [],
      links: [
        { rel: 'self', href: 'https://a.example/actor' },
        { rel: 'salmon', href: 'https://a.example/s' }
      ]
    }
    for (const uri of ['https://a.example/u/1', 'https://A.example/ann', 'https://a.example/actor']) assert.ok(listsUri(listed, uri), uri)
    for (const uri of ['https://a.example/s', 'https://a.example/Ann', 'https://a.example/u/1?x', 'https://b.example/u/1'])
      assert.ok(!listsUri(listed, uri), uri)
  })
})
