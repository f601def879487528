import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import {
  challengeMatches,
  deniedUrl,
  readHubRequest,
  readVerification,
  signBody,
  verificationUrl,
  verifySignature,
  writeSubscribe
} from '../../src/protocol/hub.ts'
import { listSamples, readSample, withSamples } from '../support/samples.ts'

const TOPIC = 'https://a.example/users/ann.atom'
const CALLBACK = 'https://b.example/push/9f'

describe('verification', () => {
  const asked = { mode: 'subscribe', topic: TOPIC, challenge: '5e', lease: 604_800, verifyToken: '7 7' } as const
  const query = 'hub.mode=subscribe&hub.topic=https%3A%2F%2Fa.example%2Fusers%2Fann.atom&hub.challenge=5e'

  const table: [callback: string, start: string][] = [
    ['https://b.example/cb', 'https://b.example/cb?'],
    ['https://b.example', 'https://b.example?'],
    ['https://b.example/cb?', 'https://b.example/cb?'],
    ['http://x/cb?a=%2F&b', 'http://x/cb?a=%2F&b&'],
    ['http://x/cb?a=1&', 'http://x/cb?a=1&'],
    ['http://x/cb?hub.mode=x&a=%zz+%20', 'http://x/cb?hub.mode=x&a=%zz+%20&']
  ]
  for (const [callback, start] of table) {
    it(`H3 H5 appends to ${callback}`, () => {
      assert.equal(verificationUrl(callback, asked), `${start}${query}&hub.lease_seconds=604800&hub.verify_token=7%207`)
    })
  }

  it('H5 says nothing of a lease or a token that there is not', () => {
    const { mode, topic, challenge } = asked
    assert.equal(verificationUrl(CALLBACK, { mode, topic, challenge }), `${CALLBACK}?${query}`)
  })

  it('H5 keeps any query byte for byte, and its own fields arrive', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), text, text, (callback, challenge, verifyToken) => {
        const url = verificationUrl(callback, { ...asked, challenge, verifyToken })
        assert.ok(url.startsWith(callback))
        const fields = new URLSearchParams(url.slice(callback.length + 1))
        assert.equal(fields.get('hub.challenge'), challenge)
        assert.equal(fields.get('hub.verify_token'), verifyToken)
      })
    )
  })

  it('H5 S6 is read by a subscriber as it was asked by the hub', () => {
    assert.deepEqual(readVerification(new URL(verificationUrl(CALLBACK, asked)).searchParams), asked)
  })

  it('H6 S8 tells a subscriber that it was denied', () => {
    const url = deniedUrl(`${CALLBACK}?a=1`, { topic: TOPIC, reason: 'It is gone.' })
    assert.ok(url.startsWith(`${CALLBACK}?a=1&hub.mode=denied&`))
    assert.deepEqual(readVerification(new URL(url).searchParams), { mode: 'denied', topic: TOPIC, reason: 'It is gone.' })
  })

  it('H5 takes the challenge for confirmed only when it is echoed byte for byte', () => {
    assert.ok(challengeMatches(Buffer.from('5e'), '5e'))
    for (const body of ['', '5', '5e\n', ' 5e', '5E', '5e and more']) assert.ok(!challengeMatches(Buffer.from(body), '5e'), body)
  })

  const faults: [what: string, query: string][] = [
    ['no mode', `hub.topic=${TOPIC}&hub.challenge=5e`],
    ['an unknown mode', `hub.mode=publish&hub.topic=${TOPIC}&hub.challenge=5e`],
    ['no topic', 'hub.mode=subscribe&hub.challenge=5e'],
    ['no challenge', `hub.mode=subscribe&hub.topic=${TOPIC}`],
    ['a challenge of more than 1 kB', `hub.mode=subscribe&hub.topic=${TOPIC}&hub.challenge=${'x'.repeat(1025)}`]
  ]
  for (const [what, text] of faults) {
    it(`S6 refuses a verification with ${what}`, () => assert.throws(() => readVerification(new URLSearchParams(text)), BadMessage))
  }

  it('S7 takes an empty lease for none', () => {
    const read = readVerification(new URLSearchParams(`hub.mode=subscribe&hub.topic=${TOPIC}&hub.challenge=5e&hub.lease_seconds=`))
    assert.deepEqual(read, { mode: 'subscribe', topic: TOPIC, challenge: '5e' })
  })
})

describe('our own subscriptions', () => {
  it('S2 writes each field once, and & and + in the topic survive', () => {
    const topic = 'https://a.example/f?a=1&b=x+y'
    const request = { topic, callback: CALLBACK, secret: '3c', lease: 604_800, verifyToken: '77' }
    const fields = [...new URLSearchParams(writeSubscribe({ mode: 'subscribe', ...request }))]
    assert.deepEqual(fields, [
      ['hub.mode', 'subscribe'],
      ['hub.topic', topic],
      ['hub.callback', CALLBACK],
      ['hub.secret', '3c'],
      ['hub.lease_seconds', '604800'],
      ['hub.verify', 'async'],
      ['hub.verify_token', '77']
    ])
  })

  it('S2 is read by our own hub', () => {
    const request = { mode: 'unsubscribe', topic: TOPIC, callback: CALLBACK, verifyToken: '77' } as const
    assert.deepEqual(readHubRequest(new URLSearchParams(writeSubscribe(request))), { ...request, verify: 'async', old: true })
  })
})

describe('signatures of pushes', () => {
  const body = Buffer.from('<feed/>')
  const good = signBody('sha256', 'secret', body)

  it('S10 agrees with the published vector', () => {
    const vector = 'sha1=b8392c23690ccf871f37ec270be1582dec57a503'
    assert.equal(signBody('sha1', 'secret', Buffer.from('text')), vector)
    assert.ok(verifySignature(vector, 'secret', Buffer.from('text')))
  })

  it('S10 reads method and hex in capitals', () => assert.ok(verifySignature(good.toUpperCase(), 'secret', body)))

  const bad: [what: string, header: string | undefined][] = [
    ['no header', undefined],
    ['an empty header', ''],
    ['an unknown method', 'md5=0cc175b9c0f1b6a831c399e269772661'],
    ['hex that is none', `sha256=${'z'.repeat(64)}`],
    ['a shortened signature', good.slice(0, -2)],
    ['half a byte more', `${good}a`],
    ['a signature without a method', good.slice(7)],
    ['the signature under another method', good.replace('sha256', 'sha1')],
    ['a header that came twice', `${good}, ${good}`],
    ['the signature with another secret', signBody('sha256', 'other', body)],
    ['the signature of other bytes', signBody('sha256', 'secret', Buffer.from('<feed />'))]
  ]
  for (const [what, header] of bad) {
    it(`S10 refuses ${what}`, () => assert.equal(verifySignature(header, 'secret', body), false))
  }

  it('S10 never throws, whatever the header', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), header => !verifySignature(header, 'secret', body)))
  })
})

withSamples('hub, over real documents', () => {
  it('S10 agrees with all vectors', () => {
    const { rows } = JSON.parse(readSample('vectors/hub-signatures.json').toString())
    for (const { secret, body, header } of rows) {
      assert.equal(signBody(header.split('=')[0], secret, Buffer.from(body)), header)
      assert.ok(verifySignature(header, secret, Buffer.from(body)))
    }
  })

  const recorded = listSamples('gnu-social')
  for (const path of recorded.filter(path => /POST_hub\.txt$/.test(path))) {
    it(`H1 reads the request of ${path}`, () => {
      const line = /^hub\.mode=.*$/m.exec(readSample(path).toString())
      const request = readHubRequest(new URLSearchParams(line?.[0]))
      assert.ok(request.mode !== 'publish' && request.old && request.verify === 'async')
      assert.equal(request.lease, 2_592_000)
      assert.equal(request.secret?.length, 64)
      assert.equal(request.verifyToken, 'Deprecated-since-PuSH-0.4')
    })
  }

  for (const path of recorded.filter(path => /\/(20|21|22|50)-hub.*GET_cb/.test(path))) {
    it(`S6 reads, and H5 would write, the verification of ${path}`, () => {
      const target = /^GET (\S+)/m.exec(readSample(path).toString())?.[1] ?? ''
      const read = readVerification(new URL(target, 'https://remote.test').searchParams)
      assert.ok(read.mode !== 'denied')
      assert.equal(read.challenge.length, 64)
      assert.equal(verificationUrl(target.slice(0, target.indexOf('hub.mode') - 1), read), target)
    })
  }

  for (const path of recorded.filter(path => /\/(20|21|22|50)-hub[^/]*\.http$/.test(path))) {
    it(`H1 reads the form of ${path}`, () => {
      const call = readSample(path).toString().split('\n')[0] ?? ''
      const fields = [...call.matchAll(/(?:-d|--data-urlencode) ([^=\s]+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value])
      const request = readHubRequest(new URLSearchParams(fields as [string, string][]))
      assert.ok(request.mode !== 'publish')
      assert.match(request.topic, /^https:\/\/(social|classic)\.test\//)
      assert.equal(request.verify, path.includes('sync') ? 'sync' : 'async')
    })
  }

  for (const path of recorded.filter(path => /POST_cb_(secret|bertha)\.txt$/.test(path))) {
    it(`S10 verifies the fat ping of ${path}`, () => {
      const { header, body } = readPing(readSample(path))
      const secret = path.includes('bertha') ? 'berthasecret' : 'topsecret123'
      assert.ok(verifySignature(header, secret, body))
    })
  }
})

/** A recorded POST: its signature and exactly the bytes that were signed. */
function readPing(recorded: Buffer): { header: string | undefined; body: Buffer } {
  const start = /\r?\n\r?\n/.exec(recorded.toString('latin1'))
  const at = start ? start.index + start[0].length : 0
  const head = recorded.subarray(0, at).toString()
  const length = Number(/^content-length: (\d+)/im.exec(head)?.[1])
  return { header: /^x-hub-signature: (\S+)/im.exec(head)?.[1], body: recorded.subarray(at, at + length) }
}
