/** `POST /users/NAME/inbox`, `POST /inbox`: what is answered to whom (T4). */
import assert from 'node:assert/strict'
import { ACTIVITY, accepted, type Json, makeInboxes, makeKey, makePerson, type Person, type Signing } from '../support/fediverse.ts'
import { MINUTE, type Reader, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

const TYPES: [type: string, status: number][] = [
  [ACTIVITY, 202],
  [`${ACTIVITY}; charset=utf-8`, 202],
  ['application/ld+json; profile="https://www.w3.org/ns/activitystreams"', 202],
  ['application/ld+json', 202],
  ['application/json', 202],
  ['text/plain', 415],
  ['application/x-www-form-urlencoded', 415],
  ['', 415]
]

const headers = (change: (headers: Record<string, string>) => void): Signing => ({ forge: sent => change(sent.headers) })

describe('POST to an inbox', () => {
  let reader: Reader
  let inboxes: ReturnType<typeof makeInboxes>
  let post: string
  before(async () => {
    reader = await startReader({ TRUST_PROXY: '1' })
    inboxes = makeInboxes(reader)
    // the node makes its own key when it first asks somebody
    await reader.tools.nodeKeys.privateKey()
    post = (await keepPost(reader.tools, reader.bob)).uri
  })
  beforeEach(() => reader.pass(2 * MINUTE))
  after(() => reader.close())
  const person = (host: string) => makePerson(reader.net, host)

  /** An answer that bob would want to have. */
  const wanted = (by: Person, more: Json = {}): Json => by.does('Create', by.note({ inReplyTo: post, ...more }))

  it('answers 503 with Retry-After while the host of the actor is down, and takes it later', async () => {
    const ann = person('down')
    reader.net.set(ann.id, { status: 503 })
    assert.equal((await inboxes.post(ann, wanted(ann))).status, 503)
    ann.describe()
    reader.pass(2 * MINUTE)
    accepted(await inboxes.post(ann, wanted(ann)))
  })

  it('X12 does nothing twice for one signature', async () => {
    const ann = person('replay')
    const create = wanted(ann)
    const at = reader.time.now
    accepted(await inboxes.post(ann, create, 'bob', { at }))
    const rows = await inboxes.rows()
    reader.pass(30 * MINUTE)
    accepted(await inboxes.post(ann, create, 'bob', { at }))
    assert.deepEqual(await inboxes.rows(), rows)
  })

  it('X7 takes many at once: each post is kept once, and what is forged among them is refused alone', async () => {
    const people = Array.from({ length: 12 }, (_, n) => person(`many${n}`))
    for (const one of people) accepted(await inboxes.post(one, one.does('Like', post)))
    const creates = people.map(one => wanted(one))
    const [forged, ...all] = await Promise.all([
      inboxes.post(people[0]!, wanted(people[0]!), '', { key: makeKey() }),
      ...people.map((one, n) => inboxes.post(one, creates[n]!)),
      ...people.map((one, n) => inboxes.post(one, { ...creates[n]!, id: `${one.origin}/acts/again` }, 'bob'))
    ])
    assert.equal(forged?.status, 401)
    all.forEach(accepted)
    const { knex } = reader.node.database.database
    const kept = await knex('posts').whereLike('uri', 'https://many%').orderBy('uri').pluck('uri')
    assert.deepEqual(kept, creates.map(({ object }) => (object as Json).id).sort())
    const answers = await knex('posts').whereLike('uri', 'https://many%').whereNotNull('parent_id').count()
    assert.equal(Number(answers[0]?.count), creates.length)
  })

  it('S3-6 S3-18 S3-35 T4 takes the types of ActivityPub and plain JSON, and no other; 202 and nothing else for what is of no interest', async () => {
    const ann = person('types')
    for (const [type, status] of TYPES) {
      const answer = await inboxes.post(
        ann,
        wanted(ann),
        '',
        headers(all => (type === '' ? delete all['content-type'] : Object.assign(all, { 'content-type': type })))
      )
      assert.equal(answer.status, status, `${type}: ${answer.body}`)
    }
    for (const activity of [ann.does('Travel', 'https://x.example/'), ann.does('Create', ann.note())])
      assert.deepEqual(await inboxes.post(ann, activity), { status: 202, body: '' })
  })

  it('X36 X35 answers 400 to what cannot be read, 413 to what is too long, 404 for nobody’s inbox, 405 to a GET; in plain text', async () => {
    const ann = person('faults')
    const deep = `{"a":${'['.repeat(200)}${']'.repeat(200)}}`
    for (const body of [
      '',
      'no JSON',
      '[]',
      '"x"',
      '{}',
      deep,
      '{"__proto__":{"type":"Follow"},"constructor":1}',
      '{"actor":"https://x.example/"',
      '{"actor":"urn:x"}'
    ])
      assert.equal((await inboxes.post(ann, body)).status, 400, body.slice(0, 40))
    assert.equal((await inboxes.post(ann, 'x'.repeat(1_000_001))).status, 413)
    assert.equal(
      (
        await inboxes.post(
          ann,
          wanted(ann),
          'bob',
          headers(all => void Object.assign(all, { 'content-encoding': 'gzip' }))
        )
      ).status,
      415
    )
    assert.equal((await inboxes.post(ann, wanted(ann), 'nobody')).status, 404)
    for (const path of ['/inbox', '/users/bob/inbox']) {
      const answer = await fetch(`http://${reader.node.host}${path}`, { headers: { accept: ACTIVITY } })
      assert.deepEqual(
        [answer.status, answer.headers.get('allow'), answer.headers.get('content-type')],
        [405, 'POST', 'text/plain; charset=utf-8']
      )
    }
  })
})
