import assert from 'node:assert/strict'
import { picturesIn } from '../../src/protocol/pictures-in.ts'

describe('pictures in a text', () => {
  const BASE = 'https://blog.example/2026/post/'
  const urls = (html: string, base = BASE) => picturesIn(html, base).map(({ url }) => url)

  it('W36 are found with what is to be seen on them, from where the post is', () => {
    assert.deepEqual(picturesIn('<p><img src="a.png" alt=" A\n river "><figure><img src="/b.jpg"></figure>', BASE), [
      { url: 'https://blog.example/2026/post/a.png', type: 'image/*', title: 'A river' },
      { url: 'https://blog.example/b.jpg', type: 'image/*' }
    ])
    assert.deepEqual(urls('<img src="a.png">', ''), [])
  })

  it('W36 are no signs within the text, and nothing that counts readers', () => {
    for (const tiny of ['width="1" height="1"', 'width=16', 'class="wp-smiley"', 'class="emoji"', 'height="1px"'])
      assert.deepEqual(urls(`<img src="a.png" ${tiny}>`), [], tiny)
    assert.deepEqual(urls('<img src="a.png" width="100%" height="auto">').length, 1)
  })

  it('X25 X42 are on the web, each once, and not many', () => {
    for (const src of ['data:image/png;base64,xx', 'javascript:alert(1)', 'file:///etc/passwd', 'http://', ''])
      assert.deepEqual(urls(`<img src="${src}">`, ''), [], src)
    assert.deepEqual(urls('<img src=a><img src=a><img src=b><img src=c><img src=d><img src=e>').length, 4)
  })
})
