/** The callback as hubs meet it: answers over HTTP, byte for byte (protocols.md S5, S6, S8, S9, S10; requirements X22). */
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { findAccount } from '../../src/federation/accounts.ts'
import { follow } from '../../src/federation/follow.ts'
import { askHub } from '../../src/federation/subscribe.ts'
import { startSchedule } from '../../src/jobs/schedule.ts'
import { signBody } from '../../src/protocol/hub.ts'
import { openDatabase } from '../../src/store/database.ts'
import { feedXml, linkXml } from '../support/atom-documents.ts'
import { freshDatabase, silence } from '../support/database.ts'
import { readBody, serve } from '../support/loopback.ts'
import { startNode } from '../support/node.ts'
import { type Reader, type Site, startReader } from '../support/reader.ts'

type Reply = { status: number; headers: Record<string, string | string[] | undefined>; body: string }

describe('the callback of a subscription', () => {
  let reader: Reader
  let count = 0
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())

  /** As bytes on the wire: no client in between that would merge headers or normalise the path. */
  const ask = (method: string, path: string, headers: Record<string, string | string[]> = {}, body: Buffer | string = ''): Promise<Reply> =>
    new Promise((done, fail) => {
      const [host, port] = reader.node.host.split(':')
      const sent = request({ host, port, method, path, headers }, answer => {
        const parts: Buffer[] = []
        answer.on('data', part => parts.push(part))
        answer.on('end', () => done({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(parts).toString() }))
      })
      sent.on('error', fail).end(body)
    })
  const asked = async (entries = ''): Promise<{ ann: Site; path: string }> => {
    const ann = reader.site(`push-${++count}`)
    await ann.ask(entries)
    return { ann, path: `/push/${(await ann.subscription()).token}` }
  }
  const query = (ann: Site, more: Record<string, string> = {}) =>
    `?${new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': ann.feed, 'hub.challenge': 'c', ...more })}`

  it('S6 X22 echoes the challenge as plain text that no browser takes for a page', async () => {
    const { ann, path } = await asked()
    const challenge = '<script>alert(1)</script>&amp; ü\r\n'
    const { body, headers, status } = await ask('GET', path + query(ann, { 'hub.challenge': challenge }))
    assert.deepEqual([status, body], [200, challenge])
    assert.deepEqual(
      ['content-type', 'x-content-type-options', 'cache-control', 'referrer-policy'].map(name => headers[name]),
      ['text/plain; charset=utf-8', 'nosniff', 'no-store', 'no-referrer']
    )
  })

  it('S6 answers everything else with 404 and an empty body', async () => {
    const { ann, path } = await asked()
    const wrong = [
      path,
      `${path}?`,
      `${path}?hub.mode=subscribe`,
      path + query(ann, { 'hub.mode': 'unsubscribe' }),
      path + query(ann, { 'hub.mode': '' }),
      path + query(ann, { 'hub.topic': 'https://evil.example/' }),
      path + query(ann, { 'hub.challenge': 'x'.repeat(2000) }),
      path + query(ann, { 'hub.verify_token': 'x' }),
      `${path}x${query(ann)}`,
      `/push/x${query(ann)}`,
      `/push/%00${query(ann)}`,
      `/push/..%2f..%2fetc${query(ann)}`
    ]
    for (const url of wrong) {
      const { body, headers, status } = await ask('GET', url)
      assert.deepEqual([status, body, headers['x-content-type-options']], [404, '', 'nosniff'], url)
    }
    assert.equal((await ask('GET', path + query(ann))).status, 200)
    assert.equal((await ask('GET', path + query(ann))).status, 404)
  })

  it('S8 answers a denial with 200 and nothing', async () => {
    const { ann, path } = await asked()
    const { body, status } = await ask('GET', path + query(ann, { 'hub.mode': 'denied', 'hub.reason': '\u0000' }))
    assert.deepEqual([status, body, (await ann.subscription()).state], [200, '', 'denied'])
  })

  it('S9 S10 answers 202 to whatever is pushed, and keeps it only when its signature is right', async () => {
    const { ann, path } = await asked()
    const { id, secret } = await ann.subscription()
    const body = ann.document(ann.entry(1))
    const right = signBody('sha256', secret, body)
    const kept = async () => (await reader.tools.subscriptions.pushes(id, '0', 99)).length
    const wrong: Record<string, string | string[]>[] = [
      {},
      { 'x-hub-signature': '' },
      { 'x-hub-signature': 'sha256=00' },
      { 'x-hub-signature': [right, right] },
      { 'x-hub-signature': `${right}x` },
      { 'x-hub-signature-256': right }
    ]
    for (const headers of wrong) {
      const reply = await ask('POST', path, headers, body)
      assert.deepEqual([reply.status, reply.body, await kept()], [202, '', 0], JSON.stringify(headers))
    }
    const types = [
      'application/atom+xml',
      'text/plain',
      'application/x-www-form-urlencoded',
      'application/json',
      'multipart/form-data',
      'x;;; y="'
    ]
    for (const [i, type] of types.entries())
      assert.deepEqual(
        [(await ask('POST', path, { 'content-type': type, 'x-hub-signature': right }, body)).status, await kept()],
        [202, i + 1],
        type
      )
    await reader.work()
    assert.equal((await ann.kept()).length, 1)
  })

  it('I2 S10 signs and keeps the bytes as they came: line ends, byte order mark, UTF-16', async () => {
    const { ann, path } = await asked()
    const { secret } = await ann.subscription()
    const text = ann.document(ann.entry(1, 'kä\r\nse')).toString()
    const documents = [
      Buffer.from(`\ufeff${text}`),
      Buffer.from(`\ufeff${ann.document(ann.entry(2, 'ö'))}`, 'utf16le'),
      Buffer.from(text.replaceAll('>', '>\r\n'))
    ]
    for (const body of documents) await ask('POST', path, { 'x-hub-signature': signBody('sha512', secret, body) }, body)
    await reader.work()
    assert.deepEqual(
      (await ann.kept()).map(post => post.html),
      ['<p>ö</p>', '<p>kä\nse</p>']
    )
  })

  it('S9 refuses what is longer than a megabyte with 413, and other methods with 405', async () => {
    const { path } = await asked()
    assert.equal((await ask('POST', path, {}, Buffer.alloc(1_000_001))).status, 413)
    assert.equal((await ask('POST', path, {}, Buffer.alloc(1_000_000))).status, 202)
    const { headers, status } = await ask('PUT', path, {}, 'x')
    assert.deepEqual([status, headers.allow], [405, 'GET, POST'])
  })

  it('S9 S13 answers 404 for an unknown token and 410 when the subscription is over', async () => {
    const { ann, path } = await asked()
    assert.equal((await ask('POST', '/push/unknown', {}, 'x')).status, 404)
    await reader.tools.subscriptions.change((await ann.subscription()).id, { state: 'ended' })
    assert.equal((await ask('POST', path, {}, 'x')).status, 410)
    assert.equal((await ask('GET', path + query(ann))).status, 404)
  })

  it('S9 reads what was pushed and left by a worker that is gone', async () => {
    const { ann, path } = await asked()
    const { id, secret } = await ann.subscription()
    const body = ann.document(ann.entry(1))
    await ask('POST', path, { 'x-hub-signature': signBody('sha1', secret, body) }, body)
    await reader.tools.queue.done('feed.push', await reader.tools.queue.take('feed.push', 9))
    const rounds: { every: number; work: () => void }[] = []
    const { setInterval } = globalThis
    globalThis.setInterval = ((work: () => void, every: number) => void rounds.push({ every, work })) as unknown as typeof setInterval
    const stop = startSchedule(reader.tools)
    globalThis.setInterval = setInterval
    const readLeft = rounds.find(round => round.every === 10_000)!
    readLeft.work()
    await stop()
    assert.equal((await reader.tools.subscriptions.pushes(id, '0', 9)).length, 1, 'it may still be in hand')
    reader.pass(10_000)
    const begun = Date.now()
    for (let left = 1; left > 0 && Date.now() < begun + 5000; left = (await reader.tools.subscriptions.pushes(id, '0', 9)).length) {
      readLeft.work()
      await new Promise(done => setTimeout(done, 20))
    }
    assert.equal((await ann.kept()).length, 1)
  })

  it('S5 answers a hub that verifies while our request is open, with a single connection to the database', async () => {
    const fresh = await freshDatabase()
    const database = await openDatabase({ ...fresh.settings, poolMax: 1 }, silence)
    const node = await startNode({ accounts: ['bob'], work: false, overrides: { database } })
    const answers: number[] = []
    const hub = await serve(async (message, reply) => {
      if (message.method === 'GET') {
        const head = `<id>urn:one</id>${linkXml('self', `${hub.origin}/feed`)}${linkXml('hub', `${hub.origin}/hub`)}`
        return reply.setHeader('content-type', 'application/atom+xml').end(message.url === '/feed' ? feedXml(head) : '')
      }
      const form = new URLSearchParams(await readBody(message))
      const question = new URLSearchParams({ 'hub.mode': 'subscribe', 'hub.topic': form.get('hub.topic')!, 'hub.challenge': 'one' })
      const answer = await fetch(`${form.get('hub.callback')}?${question}`)
      answers.push(answer.status)
      reply.writeHead((await answer.text()) === 'one' ? 204 : 400).end()
    })
    try {
      const { subscription } = await follow(node.tools, `${hub.origin}/feed`, { as: await findAccount(node.tools, 'bob') })
      await askHub(node.tools, subscription!.id)
      assert.deepEqual([answers, (await node.tools.subscriptions.find(subscription!.id))?.state], [[200], 'active'])
    } finally {
      await hub.close()
      await node.close()
      await database.close()
      await fresh.drop()
    }
  })
})
