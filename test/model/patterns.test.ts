import assert from 'node:assert/strict'
import fc from 'fast-check'
import { compilePattern, readTemplate } from '../../src/model/patterns.ts'

describe('patterns', () => {
  it('S1-38 takes the source document’s pattern of posts, from the start and with nothing asked of the end', () => {
    const pattern = compilePattern(String.raw`^https://claassen.net/geek/blog/\d+/\d+/[^/]+`)
    assert.equal(pattern.host, 'claassen.net')
    assert.ok(pattern.matches('https://claassen.net/geek/blog/2022/12/post/'))
    assert.ok(!pattern.matches('https://claassen.net/geek/blog/archive/'))
    assert.ok(!compilePattern('https://a[.]example/').matches('https://evil.example/?https://a.example/'), 'T7')
  })

  for (const source of [String.raw`^(?P<title>.*?)( - claassen\.net|)$`, String.raw`^(?<title>.*?)( - claassen\.net|)$`])
    it(`S1-41 takes the title by ${source}`, () => {
      const pattern = compilePattern(source, 'title')
      assert.equal(pattern.group('Lazy toots - claassen.net', 'title'), 'Lazy toots')
      assert.equal(pattern.group('Lazy toots', 'title'), 'Lazy toots')
      assert.equal(pattern.group('Lazy toots', 'constructor'), undefined)
    })

  it('S1-41 gives no group of a text that does not match, or of a group that took no part', () => {
    const pattern = compilePattern('(?P<title>a)?b', 'title')
    assert.equal(pattern.group('b', 'title'), undefined)
    assert.equal(pattern.group('ca', 'title'), undefined)
  })

  const faults = ['(?=a)', '(?<!a)b', String.raw`(a)\1`, '[', '(?P<title>a)(?P<title>b)', '((a{100}){100}){100}', 'a'.repeat(1001), '(((']
  for (const source of faults)
    it(`T7 refuses ${source.slice(0, 30)} with an error`, () => assert.throws(() => compilePattern(source), Error))

  it('S1-41 refuses a title pattern without its group', () => assert.throws(() => compilePattern('^(.*)$', 'title'), /no group "title"/))

  const hosts: [source: string, host: string | undefined][] = [
    ['^https://claassen.net/geek', 'claassen.net'],
    [String.raw`^https?:\/\/Claassen\.net\/`, 'claassen.net'],
    [String.raw`\Ahttp(?:s)?://blog[.]a-b\-c.example$`, 'blog.a-b-c.example'],
    ['(?i)^(http|https)://a.example(/|$)', 'a.example'],
    ['http://localhost:8001/', 'localhost:8001'],
    ['https://a.example:443/', 'a.example'],
    ['https://müller.example/', 'xn--mller-kva.example'],
    ['https://a.example', 'a.example'],
    [String.raw`^https?://(www\.)?a.example/`, undefined],
    ['^https://.*a.example/', undefined],
    ['^https://a.example.*', undefined],
    ['^https://a.exampl?e/', undefined],
    ['^https://a.example/x|^https://b.example/', undefined],
    ['^https://(a|b).example/', undefined],
    [String.raw`^https://\w+.example/`, undefined],
    ['^https://a.example:80+/', undefined],
    ['^https://.../', undefined],
    ['a.example/', undefined],
    ['.*', undefined]
  ]
  for (const [source, host] of hosts) it(`T7 reads the host of ${source} as ${host}`, () => assert.equal(compilePattern(source).host, host))

  it('T7 takes time that grows with the text alone', () => {
    const pattern = compilePattern('^(a+)+$')
    assert.equal(pattern.matches(`${'a'.repeat(200_000)}b`), false)
  })

  it('T7 throws nothing but errors, whatever is written', () =>
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.array(fc.constantFrom('(', ')', '?P<t>', '[', ']', '|', 'https://', 'a', '.', '\\', '*'))),
        given => {
          const source = typeof given === 'string' ? given : given.join('')
          try {
            compilePattern(source).matches('https://a.example/')
          } catch (error) {
            assert.ok(error instanceof Error)
          }
        }
      )
    ))

  it('W20 takes a template of known parts with the address in it, and \\n for a line break', () => {
    assert.equal(readTemplate('{title}\\n{excerpt} {hashtags}\n{url}'), '{title}\n{excerpt} {hashtags}\n{url}')
    for (const template of ['{title}', '{url} {author}', '{url} {}', '{url} {constructor}'])
      assert.throws(() => readTemplate(template), Error, template)
  })
})
