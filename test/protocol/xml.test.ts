import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { attribute, child, children, escapeXml, innerXml, readXml, stripIllegal, text, type XmlLimits } from '../../src/protocol/xml.ts'

const LIMITS: XmlLimits = { bytes: 1_000_000, nodes: 50_000, invalidUtf8: 'replace' }
const read = (input: Buffer | string, more: Partial<XmlLimits> = {}) => readXml(input, { ...LIMITS, ...more })
const refused = (input: Buffer | string, message: RegExp, more: Partial<XmlLimits> = {}) =>
  assert.throws(
    () => read(input, more),
    (error: unknown) => error instanceof BadMessage && message.test(error.message)
  )
const utf16 = (written: string, bigEndian: boolean) => {
  const bytes = Buffer.from(`\ufeff${written}`, 'utf16le')
  return bigEndian ? bytes.swap16() : bytes
}

describe('XML in', () => {
  it('I1 refuses a DOCTYPE, whether it declares entities or not', () => {
    refused('<!DOCTYPE a><a/>', /DOCTYPE/)
    refused('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', /DOCTYPE/)
    refused('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', /DOCTYPE/)
    refused('<a>&nbsp;</a>', /well-formed/)
  })

  it('I1 reads text that only speaks of a DOCTYPE', () => {
    assert.equal(text(read('<a><![CDATA[<!DOCTYPE html>]]></a>')), '<!DOCTYPE html>')
  })

  it('I1 X35 refuses what is over a limit of depth, nodes, attributes or bytes', () => {
    read(`${'<a>'.repeat(100)}${'</a>'.repeat(100)}`)
    refused(`${'<a>'.repeat(101)}${'</a>'.repeat(101)}`, /100 levels/)
    read(`<a>${'<b/>'.repeat(49_999)}</a>`)
    refused(`<a>${'<b/>'.repeat(50_000)}</a>`, /50000/)
    refused(`<a ${Array.from({ length: 1001 }, (_, i) => `a${i}="1"`).join(' ')}/>`, /1000 attributes/)
    assert.throws(() => read(Buffer.alloc(1_000_001, 32)), { name: 'BadMessage', status: 413 })
  })

  it('I1 refuses what is not well formed, and everything that is not XML', () => {
    for (const bad of [
      '',
      ' ',
      '<a>',
      '<a/><b/>',
      '<a b="1" b="2"/>',
      '<x:a/>',
      '<a>\u0000</a>',
      '<a>&#1;</a>',
      '<a>\ufffe</a>',
      '{"a":1}',
      '<a b=c/>'
    ]) {
      refused(bad, /well-formed|empty/)
    }
    refused('<?xml version="1.1"?><a>&#1;</a>', /well-formed/)
  })

  it('X36 takes __proto__ and constructor for names like any other', () => {
    const root = read('<__proto__ constructor="1" __proto__="2"><constructor><polluted>1</polluted></constructor></__proto__>')
    assert.equal(attribute(root, '__proto__'), '2')
    assert.equal(text(child(root, '', 'constructor')), '1')
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
  })

  it('I2 takes the charset from the BOM, then Content-Type, then the declaration, else UTF-8', () => {
    const declared = '<?xml version="1.0" encoding="iso-8859-1"?><a>\u00fc</a>'
    const declaredUtf16 = '<?xml version="1.0" encoding="UTF-16"?><a>\u00fc</a>'
    assert.equal(text(read(Buffer.from(`\ufeff${declared}`))), '\u00fc')
    assert.equal(text(read(Buffer.from(declared, 'latin1'))), '\u00fc')
    assert.equal(text(read(Buffer.from(declared), { contentType: 'application/atom+xml; charset="UTF-8"' })), '\u00fc')
    assert.equal(text(read(Buffer.from('<a>\u00fc</a>'))), '\u00fc')
    for (const bigEndian of [true, false]) assert.equal(text(read(utf16(declaredUtf16, bigEndian))), '\u00fc')
    assert.equal(text(read(Buffer.from(declaredUtf16))), '\u00fc')
  })

  it('I2 X35 refuses a charset that it does not know, UTF-7 among them', () => {
    refused(Buffer.from('<?xml version="1.0" encoding="UTF-7"?><a>+ADw-b+AD4-</a>'), /UTF-7/)
    refused(Buffer.from('<a/>'), /nonsense/, { contentType: 'text/xml; charset=nonsense' })
  })

  it('I2 replaces invalid UTF-8 in feeds and refuses it where it is told to', () => {
    const broken = Buffer.concat([Buffer.from('<a>'), Buffer.from([0xc3, 0x28]), Buffer.from('</a>')])
    assert.equal(text(read(broken)), '\ufffd(')
    refused(broken, /not readable as utf-8/, { invalidUtf8: 'refuse' })
  })

  it('X16 reads a text whole that comments and CDATA interrupt', () => {
    assert.equal(text(read('<a>https://a.example<!-- x -->.evil<![CDATA[.example]]>/<?p?>y</a>')), 'https://a.example.evil.example/y')
  })

  it('I4 compares namespaces and never prefixes, and looks at direct children alone', () => {
    const root = read('<a:x xmlns:a="urn:1" xmlns:b="urn:1"><c><b:y>deep</b:y></c><b:y q="0" b:q="1">1</b:y><y>2</y><a:y>3</a:y></a:x>')
    assert.deepEqual(children(root, 'urn:1', 'y').map(text), ['1', '3'])
    assert.equal(attribute(child(root, 'urn:1', 'y'), 'q', 'urn:1'), '1')
    assert.equal(attribute(child(root, 'urn:1', 'y'), 'q'), '0')
    assert.equal(child(root, 'urn:2', 'y'), undefined)
  })

  it('I5 gives each element its xml:base', () => {
    const root = read('<a xml:base="/b/"><c xml:base="d/"/><e xml:base=":"/></a>', { base: 'https://x.example/f' })
    assert.equal(child(root, '', 'c')?.base, 'https://x.example/b/d/')
    assert.equal(read(`<a xml:base="${'x'.repeat(3000)}"/>`, { base: 'https://x.example/' }).base, 'https://x.example/')
  })

  it('I11 writes the inside of an element as HTML', () => {
    const root = read('<h:div xmlns:h="http://www.w3.org/1999/xhtml">a &lt; b<h:br/><h:a href="?x&amp;y" h:z="1">c</h:a><h:p/></h:div>')
    assert.equal(innerXml(root), 'a &lt; b<br><a href="?x&amp;y">c</a><p></p>')
  })
})

describe('XML out', () => {
  it('F2 escapes the five characters and removes what XML has no place for', () => {
    assert.equal(escapeXml('\u0000\u000b]]>&<>"\'\ud800x\udc00\ufffe\u{1f600}'), ']]&gt;&amp;&lt;&gt;&quot;&#39;x\u{1f600}')
    assert.equal(stripIllegal('a\u0008\tb\uffff'), 'a\tb')
  })

  it('F2 writes nothing that does not come back equal, less the illegal characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), raw => {
        assert.equal(text(read(`<a>${escapeXml(raw)}</a>`)), stripIllegal(raw))
      })
    )
  })

  it('X35 throws only BadMessage for whatever bytes come', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom('', '<a>', '<a b="', '<?xml version="1.0" encoding="'),
        (bytes, start) => {
          try {
            read(Buffer.concat([Buffer.from(start), bytes]))
          } catch (error) {
            assert.ok(error instanceof BadMessage)
          }
        }
      )
    )
  })
})
