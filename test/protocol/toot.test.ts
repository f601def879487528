import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compilePattern } from '../../src/model/patterns.ts'
import { hashOf, writeToot } from '../../src/protocol/toot.ts'
import { countCharacters } from '../../src/protocol/toot-length.ts'

const url = 'https://claassen.net/geek/blog/2022/12/post'
const told = { title: 'Lazy toots - claassen.net', summary: 'How a blog toots', tags: ['open source', '#fediverse', 'node.js'], url }

/** What MENTION_RE of Mastodon's account.rb takes for somebody, in its widest form of all versions. */
const MENTION = /(?<![/\p{L}\p{M}\p{Nd}\p{Pc}])@[a-z0-9_]/iu

describe('toots', () => {
  it('S1-39 S1-64 are title, blank line, description, postfix line and address', () =>
    assert.equal(
      writeToot(told, { postfix: '#blog #iloggable' }),
      `Lazy toots - claassen.net\n\nHow a blog toots\n#blog #iloggable\n${url}`
    ))

  it('X41 hold nothing that nobody sees, or that turns the writing round', () =>
    assert.equal(
      writeToot({ url, tags: [], title: 'A \u202Etxt\u2069.exe\u0007', summary: 'b\u200f\u009bc 👩\u200d👩', html: '' }),
      `A txt.exe\n\nbc 👩\u200d👩\n${url}`
    ))

  it('S1-64 need nothing but the address', () => {
    assert.equal(writeToot({ url, tags: [] }), url)
    assert.equal(writeToot({ url, tags: [], title: 'T' }), `T\n\n${url}`)
    assert.equal(writeToot({ url, tags: [], summary: 'S' }), `S\n${url}`)
    assert.equal(writeToot({ url, tags: [], title: 'T' }, { postfix: '#p' }), `T\n\n#p\n${url}`)
  })

  it('S1-63 have the title that the pattern takes, or the whole when it takes none', () => {
    const titlePattern = compilePattern(String.raw`^(?P<title>.*?)( - claassen\.net)$`, 'title')
    assert.match(writeToot(told, { titlePattern }), /^Lazy toots\n/)
    assert.match(writeToot({ ...told, title: 'Other - place' }, { titlePattern }), /^Other - place\n/)
    assert.match(writeToot({ ...told, title: ' - claassen.net' }, { titlePattern }), /^- claassen\.net\n/)
  })

  it('W20 follow a template, whose lines vanish when there is nothing for them', () => {
    const template = 'New: {title}\n{excerpt}\n\n{content}\n\n{hashtags} {postfix}\n{url}'
    const html = '<p>One <b>word</b></p><script>no</script><p>Two</p>'
    assert.equal(
      writeToot({ ...told, summary: '', html }, { template, postfix: '#blog' }),
      `New: Lazy toots - claassen.net\nOne word Two\n\nOne word\n\nTwo\n\n#OpenSource #fediverse #NodeJs #blog\n${url}`
    )
    assert.equal(writeToot({ url, tags: [] }, { template }), url)
  })

  it('W20 put nothing into what a page tells, and take $& as text', () =>
    assert.equal(writeToot({ url, tags: [], title: '{url} $& {postfix}' }, { postfix: 'p' }), `{url} $& {postfix}\n\np\n${url}`))

  it('W21 have hash tags of letters, digits and _, words joined, none of digits alone, none twice', () => {
    const tags = ['open source', 'C++', '2026', 'a_b', 'été à la plage', 'Open-Source', '#', '', 'हिन्दी भाषा', 'x\n@joe']
    assert.equal(writeToot({ url, tags }, { template: '{hashtags}\n{url}' }), `#OpenSource #C #a_b #ÉtéÀLaPlage #हिन्दीभाषा #XJoe\n${url}`)
  })

  describe('how they are counted', () => {
    const lengths: [text: string, length: number][] = [
      ['', 0],
      ['abc', 3],
      [`a ${url}`, 25],
      ['http://a.co', 23],
      ['https://claassen.net/a.', 24],
      ['https://claassen.net/a(b)', 26],
      ['https://claassen.net/?a=b&c=%20', 23],
      ['http://localhost:8001/a', 23],
      ['http://127.0.0.1/abcdefghijklmnop', 33],
      ['https://blog.example/', 21],
      ['xhttps://claassen.net/', 22],
      ['@joe@mastodon.social', 4],
      ['mail joe@mastodon.social', 24],
      ['👨‍👩‍👧🇩🇪e\u0301', 3],
      ['日本語', 3]
    ]
    for (const [text, length] of lengths)
      it(`S1-64 ${JSON.stringify(text)} is ${length} long`, () => assert.equal(countCharacters(text), length))

    it('X34 in a time that grows with the text', () => {
      for (const piece of ['https://', 'https://a.com/.', '@a', '@a@a.', '<', 'a.', 'https://a.com/?', ' '])
        countCharacters(piece.repeat(200_000 / piece.length))
    })
  })

  describe('that are too long', () => {
    const long = 'word '.repeat(300).trim()

    it('S1-64 lose the end of the description, at a word', () => {
      const text = writeToot({ ...told, summary: long }, { postfix: '#blog' })
      assert.match(text, /^Lazy toots - claassen\.net\n\n(word )+word…\n#blog\nhttps/)
      assert.ok(countCharacters(text) <= 500 && countCharacters(text) > 490)
    })

    it('S1-64 lose the end of the title last', () => {
      const text = writeToot({ ...told, title: long, summary: 'gone' }, { limit: 100, postfix: '#blog' })
      assert.match(text, /^(word )+word…\n\n#blog\nhttps/)
      assert.ok(countCharacters(text) <= 100)
    })

    it('S1-64 are cut between characters where there are no words', () => {
      const text = writeToot({ url, tags: [], summary: '👨‍👩‍👧'.repeat(600) })
      assert.equal(countCharacters(text), 500)
      assert.match(text, /^(👨‍👩‍👧)+…\nhttps/u)
    })

    it('S1-64 are the address alone when nothing else has room', () => assert.equal(writeToot(told, { limit: 23, postfix: '#blog' }), url))

    const word = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('word', '@a@b.de', 'https://a.de/x', 'http://x', '🇩🇪', '\n', '{url}')
    )
    const text = fc.array(word, { maxLength: 60 }).map(words => words.join(' '))
    const telling = fc.record({ title: text, summary: text, html: text, tags: fc.array(word, { maxLength: 5 }), url: fc.constant(url) })
    const option = fc.record({
      postfix: text,
      limit: fc.integer({ min: 23, max: 600 }),
      template: fc.constantFrom(undefined, '{title}{summary}{url}', '{content}\n{hashtags} {url}', '{excerpt}\n\n{excerpt}\n{title}\n{url}')
    })

    it('S1-64 never are longer than the limit, and always hold the address', () =>
      fc.assert(
        fc.property(telling, option, (post, { limit, postfix, template }) => {
          const spaced = template?.replace('{url}', ' {url}')
          const toot = writeToot(post, { limit, postfix, template: spaced })
          assert.ok(toot.includes(url))
          assert.ok(countCharacters(toot) <= limit, `${countCharacters(toot)} of ${limit}: ${JSON.stringify(toot)}`)
        })
      ))

    it('X39 call nobody by what a page tells', () =>
      fc.assert(
        fc.property(telling, post =>
          assert.doesNotMatch(writeToot(post, { template: '{title}{content}{summary}\n{hashtags} {url}' }), MENTION)
        )
      ))
  })

  const names = [
    '@joe',
    'Ask @joe@mastodon.social!',
    '(@joe)',
    '.@joe',
    '@@joe',
    'https://a.de/x,@joe',
    'https://a.de/?@joe',
    'http://localhost/,@joe',
    '=@joe',
    '@ünal @'
  ]
  for (const title of names)
    it(`X39 call nobody by the title ${title}`, () => {
      const text = writeToot({ title, summary: title, tags: [title], url })
      assert.doesNotMatch(text, MENTION)
      assert.ok(text.replaceAll('\u2060', '').replaceAll('%40', '@').startsWith(`${title}\n\n${title}\n`))
    })

  it('X39 leave mail addresses and pages of people as they are', () => {
    const title = 'joe@mastodon.social https://mastodon.social/@joe'
    assert.equal(writeToot({ title, tags: [], url }), `${title}\n\n${url}`)
  })

  it('S1-47 call whom the owner calls in postfix and template', () =>
    assert.equal(writeToot({ url, tags: [] }, { postfix: 'cc @me', template: '{url} {postfix} @us' }), `${url} cc @me @us`))

  it('S1-68 have the MD5 of the address for their key', () =>
    assert.equal(hashOf('https://blog.example/'), 'd88ee242b837d3e13e416bb6b6d72d7f'))
})
