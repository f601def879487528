import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigFaults, readConfig } from '../src/config.ts'

describe('The settings of the blog', () => {
  let cwd: string
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'tidings-config-'))
  })
  after(() => rmSync(cwd, { recursive: true }))

  const read = (environment: Record<string, string>) => readConfig(environment, { cwd })
  const faultsOf = (environment: Record<string, string>): string => {
    try {
      read(environment)
    } catch (error) {
      assert.ok(error instanceof ConfigFaults)
      return error.message
    }
    return ''
  }
  const pattern = String.raw`^https://claassen.net/geek/blog/\d+/\d+/[^/]+`

  it('S1-38 S1-41 compile the patterns of the source document', () => {
    const config = read({ BLOG_POST_PATTERN: pattern, BLOG_TITLE_PATTERN: String.raw`^(?P<title>.*?)( - claassen\.net|)$` })
    assert.equal(config.blogPostPattern?.source, pattern)
    assert.equal(config.blogPostPattern?.host, 'claassen.net')
    assert.equal(config.blogTitlePattern?.group('A - claassen.net', 'title'), 'A')
  })

  const faulty: [name: string, value: string][] = [
    ['BLOG_POST_PATTERN', '^https://hush.example/(?=a)'],
    ['BLOG_TITLE_PATTERN', 'hush(?P<title>'],
    ['BLOG_TITLE_PATTERN', '^(?P<hush>.*)$'],
    ['TOOT_TEMPLATE', '{url} {hush}'],
    ['TOOT_TEMPLATE', 'hush {title}']
  ]
  for (const [name, value] of faulty)
    it(`T7 tell that ${name} cannot be ${value}, by name and without the value`, () => {
      const sentence = faultsOf({ [name]: value, BLOG_URL: 'https://blog.example' })
      assert.match(sentence, new RegExp(`^${name}: must`))
      assert.ok(!sentence.includes('hush'))
    })

  it('T7 demand a literal host in BLOG_POST_PATTERN, or BLOG_URL', () => {
    const open = { BLOG_POST_PATTERN: String.raw`^https?://(www\.)?blog\.example/\d+` }
    assert.match(faultsOf(open), /^BLOG_POST_PATTERN: must begin with a host/)
    assert.equal(faultsOf({ ...open, BLOG_URL: 'https://blog.example/' }), '')
  })

  it('S1-9 warn when pattern and blog lie on different hosts', () => {
    const [warning] = read({ BLOG_POST_PATTERN: pattern, BLOG_URL: 'https://www.claassen.net/' }).warnings
    assert.equal(warning, 'BLOG_POST_PATTERN names another host than BLOG_URL.')
    assert.deepEqual(read({ BLOG_POST_PATTERN: pattern, BLOG_URL: 'https://claassen.net/blog' }).warnings, [])
  })

  it('W20 read TOOT_TEMPLATE with \\n as a line break', () => {
    assert.equal(read({ TOOT_TEMPLATE: '{title}\\n{url}' }).tootTemplate, '{title}\n{url}')
  })
})
