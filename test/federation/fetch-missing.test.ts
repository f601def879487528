/** What a share shares and a reply answers, fetched from where it is (protocols.md X2, I13, I18, X30). */
import assert from 'node:assert/strict'
import { fetchMissing } from '../../src/federation/fetch-missing.ts'
import { block } from '../../src/federation/moderate.ts'
import { Unreachable } from '../../src/model/errors.ts'
import { authorXml, entryXml, linkXml, typeXml, verbXml } from '../support/atom-documents.ts'
import { minute, type Reader, type Site, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

describe('a post that is missing', () => {
  let reader: Reader
  let ann: Site
  before(async () => {
    reader = await startReader()
    reader.time.now = Date.parse(minute(60))
    ann = reader.site('sharer')
    await ann.active()
  })
  after(() => reader.close())

  const atom = (body: Buffer) => ({ headers: { 'content-type': 'application/atom+xml' }, body })
  const page = (href: string) => ({
    headers: { 'content-type': 'text/html' },
    body: `<html><head><link rel="alternate" type="application/atom+xml" href="${href}"></head></html>`
  })
  const answers = (url: string) => `<thr:in-reply-to ref="${url}" href="${url}"/>`
  /** A post at HOST/N, with its page and its entry. */
  const write = (host: string, n: number, more = '', author = `https://${host}/ben`) => {
    const url = `https://${host}/${n}`
    const told = `<id>${url}</id><published>${minute(n)}</published><updated>${minute(n)}</updated><content>at ${host}</content>`
    reader.net.set(url, page(`${url}.atom`))
    reader.net.set(`${url}.atom`, atom(entryXml(told + linkXml('alternate', url, 'type="text/html"') + authorXml(author) + more)))
    return url
  }
  const shared = (url: string, by: string, more = '') =>
    verbXml('share') +
    `<activity:object>${typeXml('note')}<id>${url}</id><content>as told</content>${linkXml('alternate', url, 'type="text/html"')}${authorXml(by)}${more}</activity:object>`
  let n = 0
  const push = async (inner: string): Promise<string> => {
    await ann.push(ann.entry(++n, `entry ${n}`, inner))
    return ann.id(n)
  }
  /** Works the queue of what is to be fetched. Answers the requests that were made. */
  const fetchAll = async (): Promise<string[]> => {
    const before = reader.net.sent.length
    for (;;) {
      const jobs = await reader.tools.queue.take('post.fetch', 100)
      if (jobs.length === 0) return reader.net.requests().slice(before)
      for (const { data } of jobs) await fetchMissing(reader.tools, data)
      await reader.tools.queue.done('post.fetch', jobs)
    }
  }

  it('X2 finds the original of a share by its page, at its author’s own host, and what that answers', async () => {
    const root = write('x2root.example', 1)
    const url = write('x2.example', 2, answers(root))
    const share = await push(shared(url, 'https://x2.example/ben'))
    const requests = await fetchAll()
    assert.deepEqual(requests, [`GET ${url}`, `GET ${url}.atom`, `GET ${root}`, `GET ${root}.atom`])
    const [original, parent] = [(await reader.post(url))!, (await reader.post(root))!]
    assert.equal((await reader.post(share))!.sharedId, original.id)
    assert.equal(original.parentId, parent.id)
    assert.equal((await reader.tools.actors.find(original.authorId))!.uri, 'https://x2.example/ben')
    assert.match(original.html, /at x2.example/)
  })

  it('W31 asks nobody of a host that the owner blocked', async () => {
    await block(reader.tools, 'w31.example')
    const url = write('w31.example', 1)
    await push(shared(url, 'https://w31.example/ben'))
    assert.deepEqual(await fetchAll(), [])
  })

  it('X2 I18 asks nobody when page, id and author are not of one host', async () => {
    const [url, evil] = [write('x2a.example', 1), write('x2evil.example', 2)]
    await push(shared(url, 'https://x2evil.example/ben'))
    await push(shared(evil, 'https://x2a.example/ben'))
    await push(shared('tag:x2a.example,2026:1', 'https://x2evil.example/ben', linkXml('alternate', evil, 'type="text/html"')))
    await push(`${verbXml('share')}<activity:object>${typeXml('note')}<id>${url}</id><content>of nobody</content></activity:object>`)
    await push(shared('https://reader.example/users/bob/posts/none', 'https://reader.example/users/bob'))
    assert.deepEqual(await fetchAll(), [])
    for (const one of [url, evil]) assert.equal(await reader.post(one), undefined)
  })

  it('X2 Y keeps nothing when the host does not have that post by that author, or answers by plain http or from elsewhere', async () => {
    const other = write('x2b.example', 1, '', 'https://x2b.example/carl')
    const foreign = write('x2c.example', 1, '', 'https://x2b.example/ben')
    const moved = write('x2d.example', 1)
    const plain = 'http://x2e.example/1'
    reader.net.set(moved, { redirectTo: write('x2f.example', 1) })
    reader.net.set(plain, atom(entryXml(`<id>${plain}</id><content>x</content>${authorXml('http://x2e.example/ben')}`)))
    const shares = []
    for (const url of [other, foreign, moved]) shares.push(await push(shared(url, `https://${new URL(url).host}/ben`)))
    await fetchAll()
    const sent = reader.net.sent.length
    const insecure = await push(shared(plain, 'http://x2e.example/ben'))
    const [job] = await reader.tools.queue.take('post.fetch', 1)
    await assert.rejects(fetchMissing(reader.tools, job!.data), { name: 'Refused' })
    await reader.tools.queue.done('post.fetch', [job!])
    assert.equal(reader.net.sent.length, sent)
    for (const id of [...shares, insecure]) assert.ok((await reader.post(id))!.quoted, 'it goes on quoting')
    for (const url of [other, foreign, moved, plain]) assert.equal(await reader.post(url), undefined)
  })

  it('I13 finds parents, five upwards, and links them', async () => {
    let url = write('i13-0.example', 1)
    for (let i = 1; i < 8; i++) url = write(`i13-${i}.example`, 1, answers(url))
    const reply = await push(answers(url))
    assert.equal((await fetchAll()).length, 10)
    const known = await Promise.all([7, 6, 5, 4, 3, 2].map(i => reader.post(`https://i13-${i}.example/1`)))
    assert.deepEqual(
      known.map(post => post !== undefined),
      [true, true, true, true, true, false]
    )
    assert.equal((await reader.post(reply))!.parentId, known[0]!.id)
    assert.equal(known[0]!.parentId, known[1]!.id)
  })

  it('I17 asks for nothing because of old entries', async () => {
    reader.pass(8 * 24 * 3_600_000)
    await push(answers(write('i17.example', 1)))
    assert.deepEqual(await fetchAll(), [])
    reader.pass(-8 * 24 * 3_600_000)
  })

  it('X30 asks one host for ten posts a minute, and again later', async () => {
    for (let i = 1; i <= 11; i++) await push(answers(write('x30.example', i)))
    const jobs = await reader.tools.queue.take('post.fetch', 100)
    for (const { data } of jobs.slice(0, 10)) await fetchMissing(reader.tools, data)
    await assert.rejects(fetchMissing(reader.tools, jobs[10]!.data), error => error instanceof Unreachable && error.retryAfter! > 0)
    await reader.tools.queue.done('post.fetch', jobs)
  })

  it('X30 asks for thirty posts an hour because of one whom nobody here follows, and drops the rest', async () => {
    const mal = await reader.tools.actors.keep({ uri: 'https://x30mal.example/mal' }, reader.tools.clock())
    const outcomes: string[] = []
    for (let i = 0; i < 31; i++) {
      const url = `https://x30s${i}.example/1`
      const post = await keepPost(reader.tools, mal, { uri: `https://x30mal.example/${i}`, inReplyTo: url, inReplyToUrl: url })
      await fetchMissing(reader.tools, { post: post.id, left: 1 }).catch(error => outcomes.push(error.name))
    }
    assert.deepEqual(outcomes, [...Array(30).fill('Unreachable'), 'Refused'])
  })

  it('X12 I1 is not found in hostile answers, and they do no harm', async () => {
    const bodies = [
      '<!DOCTYPE x [<!ENTITY a "b">]><feed/>',
      '<feed',
      '<entry xmlns="http://www.w3.org/2005/Atom"/>',
      '{"version":"1"}',
      '\0',
      ''
    ]
    for (const [i, body] of bodies.entries()) {
      const url = `https://hostile${i}.example/1`
      reader.net.set(url, { headers: { 'content-type': i % 2 === 0 ? 'application/atom+xml' : 'text/html' }, body })
      await push(answers(url))
    }
    await fetchAll()
    for (const i of bodies.keys()) assert.equal(await reader.post(`https://hostile${i}.example/1`), undefined)
  })
})
