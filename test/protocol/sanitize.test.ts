import assert from 'node:assert/strict'
import fc from 'fast-check'
import { htmlToText, sanitizeHtml, sanitizeKept, textToHtml } from '../../src/protocol/sanitize.ts'

describe('HTML of strangers', () => {
  it('I11 keeps the allow-list and drops everything else, images too', () => {
    const allowed =
      '<p>a<br />b <b>c</b> <i>d</i> <em>e</em> <strong>f</strong> <u>g</u> <del>h</del></p><blockquote>i</blockquote><ul><li>j</li></ul><ol><li>k</li></ol><pre><code>l</code></pre>'
    assert.equal(sanitizeHtml(allowed), allowed)
    assert.equal(sanitizeHtml('<p style="x" id="y" onclick="z()">a<img src=x onerror=y></p>'), '<p>a</p>')
    assert.equal(sanitizeHtml('<span class="h-card hidden">x</span>'), '<span class="h-card">x</span>')
  })

  it('I11 X41 lets no script, handler, style, SVG, base or frame pass', () => {
    const attacks = [
      '<script>alert(1)</script>',
      '<SCRIPT SRC=//evil.example/x></SCRIPT>',
      '<svg><script>alert(1)</script></svg>',
      '<svg onload=alert(1)>',
      '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>',
      '<style>@import "//evil.example"</style>',
      '<base href="//evil.example/">',
      '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
      '<img src=x onerror=alert(1)>',
      '<a href="javascript:alert(1)">x</a>',
      '<a href=" java\nscript:alert(1)">x</a>',
      '<a href="&#106;avascript:alert(1)">x</a>',
      '<a href="data:text/html,<script>alert(1)</script>">x</a>',
      '<a href="vbscript:x">x</a>',
      '<form action="//evil.example"><input name=q></form>',
      '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
      '<<script>script>alert(1)<</script>/script>'
    ]
    for (const attack of attacks) {
      const clean = sanitizeHtml(attack, { base: 'https://a.example/' })
      assert.doesNotMatch(clean, /<(?!\/?(?:a|p|br)\b)|<[^>]*(?:script:|data:|on\w+=|style=|src=)/i, `${attack} -> ${clean}`)
    }
  })

  it('I11 marks links and drops those to relative places, or resolves them when the page is known', () => {
    const rel = 'rel="nofollow noopener noreferrer"'
    assert.equal(
      sanitizeHtml('<a href="https://b.example/@bob" class="u-url mention" rel="me" target="_blank">@bob</a>'),
      `<a class="u-url mention" href="https://b.example/@bob" ${rel}>@bob</a>`
    )
    assert.equal(sanitizeHtml('<a href="/x">x</a><a href="//evil.example/x">y</a>'), '<a>x</a><a>y</a>')
    assert.equal(sanitizeHtml('<a href="/x">x</a>', { base: 'https://a.example/y/' }), `<a href="https://a.example/x" ${rel}>x</a>`)
  })

  it('X41 shows where a link leads whose text names another host, once, and leaves all others alone', () => {
    const shown = (html: string) => sanitizeHtml(html).replace(/ (rel|class)="[^"]*"/g, '')
    for (const text of [
      'http://bank.example',
      'https://bank.example/login?a=b',
      'bank.example',
      'www.bank.example',
      '<span class="invisible">https://</span><b>bank</b>.example',
      'look: https://bank.example.',
      'HTTPS://good.example@bank.example',
      'https://bank.example@good.example',
      'ban\u200bk.example',
      '//bank.example',
      'bank.com/login',
      'http://good.example.bank.example',
      'http://good.example http://bank.example'
    ])
      assert.match(shown(`<p><a href="https://good.example/x">${text}</a>.</p>`), / ?<\/a> \(good\.example\)\.<\/p>$/, text)
    for (const text of [
      'https://good.example/x',
      'good.example',
      'www.good.example',
      'GOOD.example:8443/x',
      'https://good.example/…',
      'https://good.example.',
      '(http://good.example)',
      '<span class="invisible">https://</span><span class="ellipsis">good.example/a-lo</span><span class="invisible">ng</span>',
      '@bob@bank.example',
      'my bank',
      'Node.js',
      '3.14',
      'e.g.'
    ])
      assert.doesNotMatch(shown(`<a href="https://good.example/x">${text}</a>`), /\(good\.example\)/, text)
    assert.equal(
      shown('<a href="https://xn--bcher-kva.example/">bücher.example</a>'),
      '<a href="https://xn--bcher-kva.example/">bücher.example</a>'
    )
    assert.equal(shown('<a href="mailto:a@good.example">bank.example</a>'), '<a href="mailto:a@good.example">bank.example</a>')
    assert.match(
      shown('<a href="https://evil.example">http://bank.example<a href="https://bank.example">x</a></a>'),
      /<\/a> \(evil\.example\)<a/
    )
    const once = sanitizeHtml('<a href="https://good.example">http://bank.example</a> (good.exam')
    assert.equal(sanitizeHtml(once), once)
    assert.match(once, /<\/a> \(good\.example\) \(good\.exam$/)
  })

  it('X41 cleans what was kept like anything else, however often and however much', () => {
    const evil = '<p onclick="x()">a<script>b</script></p>'
    for (let twice = 0; twice < 2; twice++) assert.equal(sanitizeKept(evil), '<p>a</p>')
    for (let n = 0; n < 100; n++) assert.equal(sanitizeKept(`${n} ${'x'.repeat(200_000)}`).length, `${n} `.length + 200_000)
    assert.equal(sanitizeKept(evil), '<p>a</p>')
  })

  it('I11 leaves HTML that was escaped twice as text', () => {
    assert.equal(sanitizeHtml('&lt;script&gt;alert(1)&lt;/script&gt;'), '&lt;script&gt;alert(1)&lt;/script&gt;')
  })

  it('X41 changes nothing any more when it is asked twice', () => {
    const piece = fc.constantFrom(
      '<p>',
      '</p>',
      '<b>',
      '<a href="https://a.example/?a&b">',
      '<a href="https://b.example/">',
      'http://a.example',
      'b.example',
      ' (a.example)',
      '</a>',
      '&amp;',
      '&',
      '<',
      '>',
      '"',
      '<script>',
      '</script>',
      '<svg>',
      '<!--',
      '-->',
      'x '
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), pieces => {
        const once = sanitizeHtml(pieces.join(''))
        assert.equal(sanitizeHtml(once), once)
      })
    )
  })

  it('X34 goes through a megabyte of anything in a time that grows with its length', () => {
    for (const unit of [
      '<',
      ' ',
      '<b>',
      '</p>',
      '<a ',
      '&',
      '<!--',
      '<a href="',
      '<svg>',
      'http://',
      '\n',
      '<a href="//a.b">x',
      '<a href="//a.b">c.de</a>'
    ]) {
      const time = (length: number) => {
        const input = unit.repeat(length / unit.length)
        const start = process.cpuUsage()
        sanitizeHtml(input)
        htmlToText(input)
        textToHtml(input)
        return process.cpuUsage(start).user / 1000
      }
      const small = Math.max(time(250_000), 20)
      assert.ok(time(1_000_000) < small * 20, `a megabyte of ${JSON.stringify(unit)}`)
    }
  })
})

describe('plain text', () => {
  it('I8 makes lines of blocks and drops what is not text', () => {
    assert.equal(htmlToText('<p>a  b<br>c</p><p>d &amp; e</p><script>x</script><ul><li>f<li>g</ul>'), 'a b\nc\n\nd & e\n\nf\n\ng')
    assert.equal(htmlToText('a < b'), 'a < b')
    assert.equal(htmlToText('<b>a</b>b &lt;i&gt;'), 'ab <i>')
  })

  it('I11 escapes text and links addresses, without the punctuation of the sentence', () => {
    const link = (url: string) => `<a href="${url}" rel="nofollow noopener noreferrer">${url}</a>`
    assert.equal(textToHtml('a < b\n\nc\r\nd'), '<p>a &lt; b</p><p>c<br>d</p>')
    assert.equal(textToHtml('(see https://x.example/a?b&c).'), `<p>(see ${link('https://x.example/a?b&amp;c')}).</p>`)
    assert.equal(textToHtml('https://x.example/a_(b)'), `<p>${link('https://x.example/a_(b)')}</p>`)
    assert.equal(textToHtml('javascript:x'), '<p>javascript:x</p>')
  })

  it('I11 writes nothing that the sanitiser would change the meaning of', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), raw =>
        assert.equal(sanitizeHtml(textToHtml(raw)), sanitizeHtml(sanitizeHtml(textToHtml(raw))))
      )
    )
  })
})
