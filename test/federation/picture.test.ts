import assert from 'node:assert/strict'
import { makePictureFinder } from '../../src/federation/picture.ts'
import { Missing, Refused, Unreachable } from '../../src/model/errors.ts'
import { until } from '../support/node.ts'
import { startTalk, type Talk } from '../support/talk.ts'

const bytes = (text: string, length = 64) => Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(length)])
const PNG = bytes('\x89PNG\r\n\x1a\n')

describe('pictures of other people', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk()
  })
  after(() => talk?.close())

  const idOf = async (url: string) => (await talk.tools.pictures.idsOf([url], talk.tools.clock())).get(url)!
  const allowed = async () => {}
  let count = 0
  const put = (body: Buffer | string, headers: Record<string, string> = {}, status = 200) => {
    const url = `https://cdn.example/${++count}`
    talk.internet.set(url, { body, headers, status })
    return url
  }
  const asked = (url: string) => talk.internet.requests().filter(request => request.endsWith(` ${url}`)).length

  it('X48 are what their first bytes say, whatever their server calls them, and nothing but pictures', async () => {
    const find = makePictureFinder(talk.tools)
    const table: [Buffer | string, string | undefined][] = [
      [PNG, 'image/png'],
      [bytes('\xff\xd8\xff\xe0'), 'image/jpeg'],
      [bytes('GIF89a'), 'image/gif'],
      [bytes('GIF87a'), 'image/gif'],
      [bytes('RIFF\n\0\0\0WEBPVP8 '), 'image/webp'],
      [bytes('\0\0\0\x1cftypavif'), 'image/avif'],
      ['<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', undefined],
      ['<!doctype html><script>alert(1)</script>', undefined],
      ['{"@context":"https://www.w3.org/ns/activitystreams"}', undefined],
      ['%PDF-1.4', undefined],
      [bytes('RIFF\0\0\0\0WAVE'), undefined],
      ['', undefined]
    ]
    for (const [body, type] of table) {
      const id = await idOf(put(body, { 'content-type': 'image/png' }))
      if (type === undefined) await assert.rejects(find(id, allowed), Missing, String(body))
      else assert.equal((await find(id, allowed)).type, type)
    }
  })

  it('W36 are fetched once, also when many ask at once, and kept', async () => {
    const find = makePictureFinder(talk.tools)
    const url = put(PNG)
    const id = await idOf(url)
    const all = await Promise.all(Array.from({ length: 20 }, () => find(id, allowed)))
    assert.ok(all.every(({ body }) => body.equals(PNG)))
    assert.ok((await makePictureFinder(talk.tools)(id, allowed)).body.equals(PNG))
    assert.equal(asked(url), 1)
  })

  it('W36 is not fetched again for who looked just before it was kept, and asks just after', async () => {
    const url = put(PNG)
    const id = await idOf(url)
    const { pictures } = talk.tools
    let goOn = () => {}
    const late = new Promise<void>(resolve => {
      goOn = resolve
    })
    let looks = 0
    const look = async (wanted: string) => {
      const isFirst = ++looks === 1
      const row = await pictures.find(wanted)
      if (isFirst) await late
      return row
    }
    const slow = { ...pictures, find: look }
    const find = makePictureFinder({ ...talk.tools, pictures: slow })
    const first = find(id, allowed)
    await find(id, allowed)
    goOn()
    assert.ok((await first).body.equals(PNG))
    assert.equal(asked(url), 1)
  })

  it('W36 what failed is not tried again for an hour', async () => {
    const find = makePictureFinder(talk.tools)
    for (const url of [
      put('', {}, 404),
      put('no picture'),
      put(Buffer.alloc(1_000_001)),
      'https://nowhere.example/a.png',
      'http://10.0.0.1/a.png'
    ]) {
      const id = await idOf(url)
      await assert.rejects(find(id, allowed), Missing)
      const before = talk.internet.sent.length
      await assert.rejects(find(id, allowed), Missing)
      assert.equal(talk.internet.sent.length, before, url)
    }
    const url = put('', {}, 500)
    const id = await idOf(url)
    await assert.rejects(find(id, allowed), Missing)
    talk.internet.set(url, { body: PNG })
    talk.pass(3_600_000)
    assert.equal((await find(id, allowed)).type, 'image/png')
  })

  it('X25 only rows are asked for: an id that is none of them fetches nothing', async () => {
    const find = makePictureFinder(talk.tools)
    const before = talk.internet.sent.length
    for (const id of ['', 'https://cdn.example/1', '0'.repeat(17), "x' or 1=1"]) await assert.rejects(find(id, allowed), Missing)
    assert.equal(talk.internet.sent.length, before)
  })

  it('X25 whoever has had their share makes us fetch no more, but gets what is here', async () => {
    const find = makePictureFinder(talk.tools)
    const refuse = () => Promise.reject(new Refused('enough', { status: 429 }))
    const id = await idOf(put(PNG))
    await assert.rejects(find(id, refuse), Refused)
    await find(id, allowed)
    assert.equal((await find(id, refuse)).type, 'image/png')
  })

  it('X39 a few are fetched at once, some wait, and the rest are sent away', async () => {
    const find = makePictureFinder(talk.tools)
    let running = 0
    let most = 0
    const open = Promise.withResolvers<void>()
    const urls = Array.from({ length: 230 }, (_, index) => `https://slow.example/${index}`)
    for (const url of urls)
      talk.internet.set(url, async () => {
        most = Math.max(most, ++running)
        await open.promise
        running--
        return { body: PNG }
      })
    const ids = await Promise.all(urls.map(idOf))
    const all = ids.map(id =>
      find(id, allowed).then(
        () => 'here',
        error => (error instanceof Unreachable && error.status === 503 ? 'later' : 'wrong')
      )
    )
    await until('as many as may be fetched at once', () => running === 8)
    setTimeout(open.resolve, 300)
    const answers = await Promise.all(all)
    assert.equal(most, 8)
    assert.deepEqual([answers.filter(one => one === 'here').length, answers.filter(one => one === 'later').length], [208, 22])
  })

  it('are forgotten when they are too many, and fetched again when they are asked for', async () => {
    const find = makePictureFinder(talk.tools)
    const url = put(PNG)
    const id = await idOf(url)
    await find(id, allowed)
    await talk.tools.pictures.shrink(0)
    await find(id, allowed)
    assert.equal(asked(url), 2)
  })
})
