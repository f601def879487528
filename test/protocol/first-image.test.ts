import assert from 'node:assert/strict'
import fc from 'fast-check'
import { firstImage } from '../../src/protocol/first-image.ts'

const BASE = 'https://blog.example/posts/one'

describe('the first picture in HTML', () => {
  const cases: [string, ReturnType<typeof firstImage>][] = [
    ['<p>x<img src="/a.png" alt=" A  dog "><img src="b.png">', { url: 'https://blog.example/a.png', alt: 'A dog' }],
    ['<figure><img src="b.png" alt=""></figure>', { url: 'https://blog.example/posts/b.png' }],
    ['<img width="1" height="1" src="https://count.example/x"><IMG SRC="c.png">', { url: 'https://blog.example/posts/c.png' }],
    ['<img src="data:image/png;base64,AA"><img src="javascript:alert(1)"><img>', undefined],
    ['&lt;img src="a.png"&gt; <!-- <img src="a.png"> --><script>"<img src=a.png>"</script>', undefined],
    ['', undefined]
  ]
  for (const [html, found] of cases)
    it(`W21 is ${found?.url ?? 'not there'} in ${html}`, () => assert.deepEqual(firstImage(html, BASE), found))

  it('X41 fails for no text at all', () => {
    fc.assert(fc.property(fc.string(), text => void firstImage(`<img ${text}`, BASE)))
  })
})
