/** Lists of feeds and of blocks, as others write them. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { readBlockList, writeHostList, writePeopleList } from '../../src/protocol/block-list.ts'
import { readCsv, writeCsv } from '../../src/protocol/csv.ts'
import { readFollowList } from '../../src/protocol/follow-list.ts'
import { readOpml, writeOpml } from '../../src/protocol/opml.ts'

const opml = (body: string, head = '<?xml version="1.0"?>') =>
  `${head}<opml version="2.0"><head><title>x</title></head><body>${body}</body></opml>`
const feed = (url: string, more = '') => `<outline type="rss" text="t" xmlUrl="${url}" ${more}/>`

describe('OPML', () => {
  it('W48 reads feeds out of folders in folders, in their order, with their names and pages', () => {
    const text = opml(
      `<outline text="News"><outline title="A" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/"/>
       <outline text="Deep"><outline text="B &amp; co" XMLURL=" https://b.example/rss "/></outline></outline>
       <outline text="a page" type="link" url="https://c.example/"/><outline text="empty" xmlUrl=""/>`
    )
    assert.deepEqual(readOpml(text), [
      { url: 'https://a.example/feed', title: 'A', page: 'https://a.example/' },
      { url: 'https://b.example/rss', title: 'B & co' }
    ])
  })

  it('reads it in any charset that it names', () => {
    const text = opml(
      feed('https://a.example/', 'title="ü"').replace('text="t"', 'text="ü"'),
      '<?xml version="1.0" encoding="ISO-8859-1"?>'
    )
    assert.equal(readOpml(Buffer.from(text, 'latin1'))[0]?.title, 'ü')
    assert.equal(readFollowList(Buffer.from(`\ufeff${text}`, 'utf16le'))[0]?.who, 'https://a.example/')
  })

  it('X35 X36 refuses what is made to harm, and takes no name for more than a name', () => {
    const bomb = '<!DOCTYPE opml [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    const deep = `${'<outline text="x">'.repeat(150)}${'</outline>'.repeat(150)}`
    const wide = `<outline ${Array.from({ length: 1100 }, (_, n) => `a${n}=""`).join(' ')}/>`
    for (const bad of [opml(feed('&b;'), bomb), opml(deep), opml(wide), opml('<outline'), '', '<html><body/></html>', opml(feed('&nbsp;'))])
      assert.throws(() => readOpml(bad), BadMessage)
    assert.deepEqual(readOpml(opml('<outline __proto__="x" constructor="y" xmlUrl="https://a.example/"/>')), [
      { url: 'https://a.example/' }
    ])
    assert.throws(() => readOpml(`<opml>${' '.repeat(5_000_001)}</opml>`), { status: 413 })
  })

  it('comes back as it was written, whatever names people have', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 50 })
      .map(raw => raw.replace(/[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]|[\t\n\r]/gu, '').trim())
    const outline = fc.record(
      { title: text.filter(one => one !== ''), page: fc.webUrl(), url: fc.webUrl(), acct: fc.emailAddress() },
      { requiredKeys: ['title', 'page'] }
    )
    fc.assert(
      fc.property(fc.array(outline.filter(({ acct, url }) => (acct ?? url) !== undefined)), outlines => {
        const made = new Date(0)
        const same = outlines.map(({ acct, page, title, url }) => ({ ...(url && { url }), ...(acct && { acct }), title, page }))
        assert.deepEqual(readOpml(writeOpml('x', [{ name: 'alice', outlines }], made)), same)
        assert.deepEqual(
          readOpml(
            writeOpml(
              'x',
              [
                { name: 'a', outlines },
                { name: 'b', outlines: [] }
              ],
              made
            )
          ),
          same
        )
      })
    )
  })
})

describe('a list of whom to follow', () => {
  const names = (text: string) => readFollowList(Buffer.from(text)).map(({ who }) => who)

  it('has each once, however it is spelled, and knows feed: for what it is', () => {
    const text = opml(
      ['https://a.example', 'https://A.example/', 'feed:https://b.example/x', 'feed://c.example/y', 'https://a.example/']
        .map(one => feed(one))
        .join('')
    )
    assert.deepEqual(names(text), ['https://a.example', 'https://b.example/x', 'http://c.example/y'])
  })

  it('is an address a line, or the list that Mastodon gives', () => {
    assert.deepEqual(names('# mine\r\n\nhttps://a.example/feed\n  @ann@b.example \n'), ['https://a.example/feed', '@ann@b.example'])
    assert.deepEqual(names('Account address,Show boosts,Notify on new posts,Languages\nann@b.example,true,false,\n'), ['ann@b.example'])
  })

  it('is refused when it names nobody, or too many', () => {
    for (const bad of ['# nothing', opml('<outline text="x"/>'), 'x\n'.repeat(20_001)]) assert.throws(() => names(bad), BadMessage)
    assert.throws(() => names(Array.from({ length: 5001 }, (_, n) => `https://a.example/${n}`).join('\n')), /more than 5000/)
    assert.equal(names(opml(Array.from({ length: 1000 }, (_, n) => feed(`https://a.example/${n}`)).join(''))).length, 1000)
  })
})

describe('CSV', () => {
  it('comes back as it was written', () => {
    const row = fc.array(fc.string({ unit: fc.constantFrom('a', '"', ',', '\r', '\n', ' ', 'é', '#') }), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(row.filter(cells => cells.length > 1 || cells[0] !== '')), rows => {
        assert.deepEqual(readCsv(writeCsv(rows), 1000), rows)
      })
    )
  })

  it('X34 takes time in proportion to what it reads, and no more lines than it may', () => {
    for (const text of ['"'.repeat(300_001), `"${'a'.repeat(1_000_000)}`, ','.repeat(200_000), '"a"x'.repeat(100_000)]) readCsv(text, 10)
    assert.throws(() => readCsv('a\n'.repeat(11), 10), BadMessage)
  })
})

describe('a list of blocks', () => {
  it('W31 takes suspend for a block, tells silence apart, and does nothing for noop', () => {
    const text =
      '#domain,#severity,#reject_media,#reject_reports,#public_comment,#obfuscate\nEvil.example.,suspend,false,false,"spam, and ""more""",false\nloud.example,silence,true,false,,false\nfine.example,noop,false,false,,false\nb*d.example,suspend,false,false,,true\n'
    assert.deepEqual(readBlockList(text), {
      ...{ hosts: ['evil.example'], silence: ['loud.example'], people: [], ignored: 1, unreadable: ['b*d.example'] }
    })
  })

  it('W31 finds its columns wherever they stand, and takes lines without headings as they are', () => {
    assert.deepEqual(readBlockList('severity,domain\nsuspend,a.example\nlimit,b.example\n,c.example\nsuspend,b.example').hosts, [
      'a.example',
      'b.example'
    ])
    assert.deepEqual(readBlockList('severity,domain\n,c.example').silence, ['c.example'])
    assert.deepEqual(readBlockList('Account address\nbob@A.example\n').people, ['bob@a.example'])
    const plain = readBlockList(
      'bob@a.example\nb.example\r\nlocalhost\nhttps://c.example/\nb.example\nxn--mnchen-3ya.example\nmünchen.example'
    )
    assert.deepEqual(
      [plain.people, plain.hosts, plain.unreadable],
      [['bob@a.example'], ['b.example', 'xn--mnchen-3ya.example'], ['localhost', 'https://c.example/']]
    )
    assert.throws(() => readBlockList('#domain,#severity\n'), BadMessage)
  })

  it('comes back as it was written', () => {
    assert.deepEqual(readBlockList(writeHostList(['a.example', 'b.example'])).hosts, ['a.example', 'b.example'])
    assert.deepEqual(readBlockList(writePeopleList(['bob@a.example'])).people, ['bob@a.example'])
  })
})
