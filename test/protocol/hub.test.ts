import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import {
  canonicalTopic,
  grantLease,
  hubLinks,
  readHubRequest,
  readVerification,
  signatureMethod,
  writePublish
} from '../../src/protocol/hub.ts'

const TOPIC = 'https://a.example/users/ann.atom'
const CALLBACK = 'https://b.example/push/9f'

type Changes = Record<string, string | null>

/** A good subscription with some fields changed, or taken away by null. */
function form(changes: Changes = {}): URLSearchParams {
  const fields = { 'hub.mode': 'subscribe', 'hub.topic': TOPIC, 'hub.callback': CALLBACK, ...changes }
  return new URLSearchParams(Object.entries(fields).filter((field): field is [string, string] => field[1] !== null))
}

describe('hub requests', () => {
  it('H1 reads a WebSub subscription with the required fields alone', () => {
    assert.deepEqual(readHubRequest(form()), { mode: 'subscribe', topic: TOPIC, callback: CALLBACK, verify: 'async', old: false })
  })

  it('H1 takes the first of repeated fields and ignores unknown ones', () => {
    const doubled = form({ 'hub.foo': 'bar', foo: 'bar' })
    doubled.append('hub.topic', 'https://other.example/')
    doubled.append('hub.mode', 'unsubscribe')
    assert.deepEqual(readHubRequest(doubled), readHubRequest(form()))
  })

  const faults: [what: string, changes: Changes][] = [
    ['no mode', { 'hub.mode': null }],
    ['an unknown mode', { 'hub.mode': 'list' }],
    ['no topic', { 'hub.topic': null }],
    ['an empty topic', { 'hub.topic': '' }],
    ['a topic that is no URL', { 'hub.topic': 'ann' }],
    ['a topic of another scheme', { 'hub.topic': 'ftp://a.example/ann.atom' }],
    ['no callback', { 'hub.callback': null }],
    ['a callback that is no URL', { 'hub.callback': 'nope' }],
    ['a callback of another scheme', { 'hub.callback': 'file:///etc/passwd' }],
    ['a callback with a fragment', { 'hub.callback': `${CALLBACK}#x` }],
    ['a callback with an empty fragment', { 'hub.callback': `${CALLBACK}#` }],
    ['a callback with credentials', { 'hub.callback': 'https://u:p@b.example/' }],
    ['a callback with a line break', { 'hub.callback': `${CALLBACK}\r\nX: y` }],
    ['a callback of 1001 characters', { 'hub.callback': `https://b.example/${'x'.repeat(983)}` }],
    ['a secret of 200 bytes', { 'hub.secret': 'k'.repeat(200) }],
    ['a secret of 100 characters and 200 bytes', { 'hub.secret': 'ü'.repeat(100) }]
  ]
  for (const [what, changes] of faults) {
    it(`H1 H3 refuses ${what}`, () => assert.throws(() => readHubRequest(form(changes)), BadMessage))
  }

  it('H3 takes a callback of 1000 characters and a secret of 199 bytes', () => {
    const callback = `https://b.example/${'x'.repeat(982)}`
    const request = readHubRequest(form({ 'hub.callback': callback, 'hub.secret': 'k'.repeat(199) }))
    assert.deepEqual(request, { ...readHubRequest(form()), callback, secret: 'k'.repeat(199) })
  })

  it('H3 keeps the callback as it was written', () => {
    const callback = 'http://x.example/cb?a=%2F&b'
    assert.deepEqual(readHubRequest(form({ 'hub.callback': callback })), { ...readHubRequest(form()), callback })
  })

  for (const lease of ['', '0', '-5', 'abc', '1.5', '1e9']) {
    it(`H3 takes a lease of "${lease}" for no wish`, () => {
      assert.deepEqual(readHubRequest(form({ 'hub.lease_seconds': lease })), readHubRequest(form()))
    })
  }

  it('H3 grants seven days unless asked, and between one and thirty', () => {
    const day = 86_400
    const table: [number | undefined, number][] = [
      [undefined, 7],
      [60, 1],
      [10 * day, 10],
      [2_592_000, 30],
      [Number.MAX_SAFE_INTEGER, 30]
    ]
    for (const [asked, days] of table) assert.equal(grantLease(asked), days * day)
  })

  it('H4 verifies at once only when nothing but sync is listed', () => {
    const table: [string[], 'sync' | 'async'][] = [
      [['sync'], 'sync'],
      [['async'], 'async'],
      [['sync', 'async'], 'async'],
      [['sync,async'], 'async'],
      [['other'], 'async']
    ]
    for (const [values, verify] of table) {
      const fields = form()
      for (const value of values) fields.append('hub.verify', value)
      assert.deepEqual(readHubRequest(fields), { ...readHubRequest(form()), verify, old: true })
    }
  })

  it('H7 knows an old subscriber by hub.verify or hub.verify_token and signs for it with SHA-1', () => {
    const old = readHubRequest(form({ 'hub.verify_token': 'tok' }))
    assert.deepEqual(old, { ...readHubRequest(form()), verifyToken: 'tok', old: true })
    assert.equal(signatureMethod('auto', true), 'sha1')
    assert.equal(signatureMethod('auto', false), 'sha256')
    assert.equal(signatureMethod('sha512', true), 'sha512')
  })

  it('H10 reads a publish request by hub.url and by hub.topic, each topic once', () => {
    const ping = new URLSearchParams(`hub.mode=publish&hub.url=${TOPIC}&hub.url=https://a.example/b&hub.topic=${TOPIC}`)
    assert.deepEqual(readHubRequest(ping), { mode: 'publish', topics: [TOPIC, 'https://a.example/b'] })
    assert.throws(() => readHubRequest(new URLSearchParams('hub.mode=publish&hub.url=')), BadMessage)
    assert.deepEqual(readHubRequest(new URLSearchParams(writePublish(TOPIC))), { mode: 'publish', topics: [TOPIC] })
  })

  it('H1 reads anything or says that it is a bad message', () => {
    const field = fc.constantFrom('hub.mode', 'hub.topic', 'hub.callback', 'hub.secret', 'hub.lease_seconds', 'hub.verify', 'hub.url')
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('subscribe', 'publish', 'denied', 'http://[', TOPIC))
    fc.assert(
      fc.property(fc.array(fc.tuple(field, value)), fields => {
        for (const read of [readHubRequest, readVerification]) {
          try {
            read(new URLSearchParams(fields))
          } catch (error) {
            assert.ok(error instanceof BadMessage)
          }
        }
      })
    )
  })
})

describe('topics', () => {
  const same: [what: string, topic: string][] = [
    ['itself', TOPIC],
    ['scheme and host in capitals', 'HTTPS://A.Example/users/ann.atom'],
    ['the default port', 'https://a.example:443/users/ann.atom'],
    ['http of our host', 'http://a.example/users/ann.atom'],
    ['http of our host with its default port', 'http://a.example:80/users/ann.atom']
  ]
  for (const [what, topic] of same) {
    it(`H2 takes ${what} for the topic`, () => assert.equal(canonicalTopic(topic, 'https://a.example'), TOPIC))
  }

  const others = [
    'https://a.example/users/%61nn.atom',
    'https://a.example/users/Ann.atom',
    'https://a.example/users/x/../ann.atom',
    'https://a.example//users/ann.atom',
    'https://a.example/users/ann.atom?',
    'https://a.example/users/ann.atom#',
    'https://a.example:8443/users/ann.atom',
    'https://a.example.evil.example/users/ann.atom',
    'https://evil@a.example/users/ann.atom',
    'https://a.example\\@evil.example/users/ann.atom',
    'https:a.example/users/ann.atom',
    ' https://a.example/users/ann.atom',
    'ftp://a.example/users/ann.atom',
    'users/ann.atom',
    ''
  ]
  for (const topic of others) {
    it(`H2 takes "${topic}" for another topic`, () => assert.notEqual(canonicalTopic(topic, 'https://a.example'), TOPIC))
  }

  it('H2 keeps the port of an origin that has one', () => {
    const topic = 'http://127.0.0.1:3000/users/ann.atom'
    assert.equal(canonicalTopic(topic, 'http://127.0.0.1:3000'), topic)
    assert.notEqual(canonicalTopic('http://127.0.0.1/users/ann.atom', 'http://127.0.0.1:3000'), topic)
  })

  it('F1 names hub and topic in one Link header', () => {
    assert.equal(hubLinks(['https://a.example/hub'], TOPIC), `<https://a.example/hub>; rel="hub", <${TOPIC}>; rel="self"`)
  })
})
