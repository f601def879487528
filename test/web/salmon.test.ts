/** `POST /users/NAME/salmon`: what is answered to whom (protocols.md M10, M11). */
import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { until } from '../support/node.ts'
import { type Reader, startReader } from '../support/reader.ts'
import { makeEndpoint, makePair, mentionXml, type Writer } from '../support/slaps.ts'

const TYPE = 'application/magic-envelope+xml'

describe('POST /users/NAME/salmon', () => {
  let reader: Reader
  let ann: Writer
  before(async () => {
    reader = await startReader()
    ann = makeEndpoint(reader).writer('a')
  })
  after(() => reader.close())

  const post = (body: string | Buffer, type = TYPE, { name = 'bob', headers = {} as Record<string, string> } = {}) =>
    fetch(`http://${reader.node.host}/users/${name}/salmon`, {
      method: 'POST',
      body,
      headers: { ...(type ? { 'content-type': type } : {}), ...headers }
    })
  const slap = (more = '') => ann.slap(mentionXml(reader.bob.uri) + more)
  const parts = () => {
    const [, data, sig] = /<me:data[^>]*>([^<]*)<.*<me:sig>([^<]*)</s.exec(slap().toString())!
    return { data: data!, sig: sig! }
  }
  const text64 = (text: string) => Buffer.from(text).toString('base64url')

  it('M10 answers 202 and nothing else to what is genuine, also when it comes twice or is of no interest', async () => {
    const once = slap()
    for (const body of [once, once, ann.slap('<content>to nobody</content>'), ann.slap('<activity:verb>urn:x</activity:verb>')]) {
      const answer = await post(body)
      assert.deepEqual([answer.status, await answer.text()], [202, ''])
    }
  })

  it('M10 M11 takes XML under any of its types, with parameters or without a type, a form, JSON and the compact form', async () => {
    const types = [`${TYPE}; charset=utf-8`, TYPE.toUpperCase(), 'application/xml', 'text/xml; charset=utf-8', 'application/atom+xml', '']
    for (const type of types) assert.equal((await post(slap(), type)).status, 202, type)
    assert.equal((await post(`xml=${slap().toString('base64url')}`, 'application/x-www-form-urlencoded')).status, 202)
    assert.equal((await post(new URLSearchParams({ xml: slap().toString() }).toString(), 'application/x-www-form-urlencoded')).status, 202)
    const { data, sig } = parts()
    const json = { data, data_type: 'application/atom+xml', encoding: 'base64url', alg: 'RSA-SHA256', sigs: [{ value: sig, key_id: 'x' }] }
    assert.equal((await post(JSON.stringify(json), 'application/magic-envelope+json')).status, 202)
    const compact = [text64('x'), sig, data, ...['application/atom+xml', 'base64url', 'RSA-SHA256'].map(text64)].join('.')
    assert.equal((await post(compact, 'application/magic-envelope')).status, 202)
  })

  it('M10 answers each fault by its status, in plain text', async () => {
    const stranger = slap().toString()
    const nowhere = '<author><uri>https://nowhere.example/x</uri></author>'
    const cases: [status: number, answer: () => Promise<Response>][] = [
      [400, () => post('')],
      [400, () => post('no envelope')],
      [400, () => post('<!DOCTYPE x><x/>')],
      [400, () => post(Buffer.from([0xff, 0xfe, 0, 0xd8]))],
      [400, () => post('a=b', 'application/x-www-form-urlencoded')],
      [400, () => post('{"data":{}}', 'application/magic-envelope+json')],
      [400, () => post('a.b', 'application/magic-envelope')],
      [401, () => post(ann.slap('', { by: makePair() }))],
      [404, () => post(stranger, TYPE, { name: 'nobody' })],
      [404, () => post(stranger, TYPE, { name: '%00' })],
      [413, () => post(Buffer.alloc(1_000_001, ' '))],
      [415, () => post(stranger, 'text/plain')],
      [415, () => post(stranger, 'multipart/form-data; boundary=x')],
      [415, () => post(stranger, TYPE, { headers: { 'content-encoding': 'gzip' } })],
      [503, () => post(ann.slap(mentionXml('https://reader.example/users/bob'), { author: nowhere }))]
    ]
    for (const [status, send] of cases) {
      const answer = await send()
      const text = await answer.text()
      assert.equal(answer.status, status, text)
      assert.match(answer.headers.get('content-type') ?? '', /^text\/plain/)
      assert.match(text, /^[^\n]+\.\n$/, 'a sentence')
      if (status === 503) assert.equal(answer.headers.get('retry-after'), '300')
    }
  })

  it('M10 answers 405 to any other method', async () => {
    const answer = await fetch(`http://${reader.node.host}/users/bob/salmon`)
    assert.deepEqual([answer.status, answer.headers.get('allow')], [405, 'POST'])
  })

  it('X27 holds no more of slow bodies than a bounded amount, and says so with 503', async () => {
    const head = `POST /users/bob/salmon HTTP/1.1\r\nhost: x\r\ncontent-type: ${TYPE}\r\ncontent-length: 1000000\r\n\r\n`
    const port = Number(reader.node.host.split(':')[1])
    const answers: string[] = []
    const sockets = Array.from({ length: 80 }, () => {
      const socket = connect(port, '127.0.0.1', () => void socket.write(head + ' '.repeat(900_000)))
      return socket.on('error', () => {}).on('data', data => answers.push(String(data)))
    })
    try {
      await until('a refusal', () => answers.some(text => /^HTTP\/1.1 503[\s\S]*retry-after: 5/i.test(text)))
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await until('room again', async () => (await post('no envelope')).status === 400)
  })
})
