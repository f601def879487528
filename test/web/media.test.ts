import assert from 'node:assert/strict'
import { visitor } from '../support/browser.ts'
import { startTalk, type Talk } from '../support/talk.ts'

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(50)])

describe('GET /media/ID', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk()
  })
  after(() => talk?.close())

  let count = 0
  const put = async (body: string | Buffer, headers: Record<string, string> = {}) => {
    const url = `https://cdn.example/${++count}.png`
    talk.internet.set(url, { body, headers })
    return (await talk.tools.pictures.idsOf([url], talk.tools.clock())).get(url)!
  }
  const get = (path: string, init: RequestInit = {}) => fetch(`${talk.node.url}${path}`, init)

  it('X48 gives a picture that can be nothing else, to every page', async () => {
    const id = await put(PNG, { 'content-type': 'text/html', 'set-cookie': 'a=1', 'content-disposition': 'attachment; filename=a.html' })
    const answer = await get(`/media/${id}`)
    assert.equal(answer.status, 200)
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(PNG))
    const expected = {
      'content-type': 'image/png',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'content-disposition': `inline; filename="${id}.png"`,
      'cache-control': 'public, max-age=86400',
      'cross-origin-resource-policy': 'cross-origin',
      'set-cookie': null
    }
    for (const [name, value] of Object.entries(expected)) assert.equal(answer.headers.get(name), value, name)
    const etag = answer.headers.get('etag') ?? ''
    assert.equal((await get(`/media/${id}`, { headers: { 'if-none-match': etag, 'cache-control': 'max-age=0' } })).status, 304)
    const head = await get(`/media/${id}`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, String(PNG.length)])
  })

  it('X25 takes no address, and nothing that is no picture', async () => {
    const before = talk.internet.sent.length
    for (const path of [
      '/media/',
      '/media/https:%2F%2Fcdn.example%2F1.png',
      '/media/x?url=https://cdn.example/1.png',
      `/media/${'0'.repeat(17)}`,
      '/media/..%2f..%2fetc'
    ])
      assert.equal((await get(path)).status, 404, path)
    assert.equal(talk.internet.sent.length, before)
    for (const body of ['<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', '<html>', '']) {
      const answer = await get(`/media/${await put(body, { 'content-type': 'image/svg+xml' })}`, { headers: { accept: 'image/*' } })
      assert.deepEqual([answer.status, answer.headers.get('content-type')], [404, 'text/plain; charset=utf-8'])
    }
  })

  it('X39 whoever asks for very many new ones has to wait', async () => {
    const ids = []
    for (let n = 0; n < 310; n++) ids.push(await put(PNG))
    const statuses = []
    for (const id of ids) statuses.push((await visitor(talk.node).get(`/media/${id}`)).status)
    assert.ok(statuses.slice(0, 290).every(status => status === 200))
    assert.ok(statuses.includes(429))
    assert.equal((await get(`/media/${ids[0]}`)).status, 200)
  })
})
