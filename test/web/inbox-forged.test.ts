/** `POST /users/NAME/inbox`, `POST /inbox`: nothing forged leaves a trace, whatever part of it (X1 to X13). */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { writeContentDigest, writeDigest } from '../../src/protocol/digest.ts'
import {
  ACTIVITY,
  accepted,
  activityPage,
  type Form,
  type Json,
  makeInboxes,
  makeKey,
  makePerson,
  type Person,
  pemOf,
  type Signing
} from '../support/fediverse.ts'
import { MINUTE, type Reader, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

/** What is wrong, what the sender does otherwise, how often the actor’s host may be asked because only the key tells it, and the status. */
type Forgery = {
  title: string
  tell?: (by: Person, eve: Person) => Json
  sign?: (by: Person, eve: Person, form: Form) => Signing
  by?: 'eve'
  asks?: number
  status?: number[]
}

/** Another signature: a letter in the middle is another one. */
const flip = (text: string): string => text.slice(0, -60) + (text.at(-60) === 'A' ? 'B' : 'A') + text.slice(-59)
const headers = (change: (headers: Record<string, string>, body: Buffer) => void): Signing => ({
  forge: sent => change(sent.headers, sent.body)
})
const without = (...names: string[]): Signing =>
  headers(all => {
    for (const name of names) delete all[name]
  })
/** The address at which the key stands, at evil's own host. */
const EVIL = 'https://evil.example/users/ann'

describe('POST of something forged to an inbox', () => {
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
  const person = (host: string, options = {}) => makePerson(reader.net, host, options)

  /** An answer that bob would want to have. */
  const wanted = (by: Person, more: Json = {}): Json => by.does('Create', by.note({ inReplyTo: post, ...more }))

  const FORGERIES: Forgery[] = [
    {
      title: 'X3 X4 X5 the body',
      sign: () => ({ forge: sent => void Object.assign(sent, { body: Buffer.from(sent.body.toString().replace('note', 'nite')) }) })
    },
    {
      title: 'X3 the digest',
      sign: () =>
        headers(all =>
          Object.assign(
            all,
            all.digest ? { digest: writeDigest(Buffer.from('x')) } : { 'content-digest': writeContentDigest(Buffer.from('x')) }
          )
        )
    },
    { title: 'X3 no digest', sign: () => without('digest', 'content-digest') },
    {
      title: 'X3 a digest that is not signed',
      sign: (_by, _eve, form) =>
        headers(all => {
          if (form === 'cavage') all.signature = all.signature!.replace(' digest"', '"')
          else all['signature-input'] = all['signature-input']!.replace(' "content-digest"', '')
        })
    },
    { title: 'X3 the host', sign: () => headers(all => void Object.assign(all, { host: 'other.example' })) },
    { title: 'X3 a request that was signed for another host', sign: () => ({ host: 'other.example' }) },
    {
      title: 'X3 one that was signed for another host, sent to ours',
      sign: () => ({ host: 'other.example', forge: sent => void Object.assign(sent.headers, { host: 'reader.example' }) }),
      asks: 1
    },
    {
      title: 'X3 one that was signed for another path',
      sign: () => ({ forge: sent => void Object.assign(sent, { path: sent.path === '/inbox' ? '/users/bob/inbox' : '/inbox' }) }),
      asks: 1
    },
    {
      title: 'X3 no address signed',
      sign: (_by, _eve, form) =>
        headers(all => {
          if (form === 'cavage') all.signature = all.signature!.replace('(request-target) ', '')
          else all['signature-input'] = all['signature-input']!.replace('"@target-uri"', '"@authority"')
        })
    },
    {
      title: 'X12 the date',
      sign: (_by, _eve, form) =>
        headers(all => {
          if (form === 'cavage') all.date = new Date(reader.time.now + 1000).toUTCString()
          else all['signature-input'] = all['signature-input']!.replace(/created=(\d+)/, (_, at) => `created=${Number(at) + 1}`)
        }),
      asks: 1
    },
    {
      title: 'X12 a date that is none',
      sign: (_by, _eve, form) =>
        headers(all => {
          if (form === 'cavage') all.date = 'yesterday'
          else all['signature-input'] = all['signature-input']!.replace(/created=\d+/, 'created="x"')
        })
    },
    { title: 'X12 one that is too old', sign: () => ({ at: reader.time.now - 61 * MINUTE }) },
    { title: 'X12 one from the future', sign: () => ({ at: reader.time.now + 6 * MINUTE }) },
    { title: 'X17 the signature', sign: () => headers(all => void Object.assign(all, { signature: flip(all.signature!) })), asks: 1 },
    { title: 'X5 no signature', sign: () => without('signature', 'signature-input') },
    { title: 'X17 a key that is not theirs', sign: () => ({ key: makeKey() }), asks: 1 },
    { title: 'X24 a key id of another host', sign: (_by, eve) => ({ keyId: eve.keyId, key: eve.key }) },
    { title: 'X24 a key id that is no address', sign: () => ({ keyId: 'acct:ann@x.example' }) },
    { title: 'X6 a signer who is not the actor', by: 'eve' },
    { title: 'X6 a neighbour on the same host', sign: by => ({ keyId: `${by.origin}/users/eve#main-key` }), asks: 1 },
    { title: 'X10 two actors', tell: (by, eve) => ({ ...wanted(by), actor: [by.id, eve.id] }), status: [400] },
    { title: 'X10 no actor', tell: by => ({ ...wanted(by), actor: null }), status: [400] },
    { title: 'X10 an actor that is one of us', tell: by => ({ ...wanted(by), actor: reader.bob.uri }), status: [403] },
    { title: 'X7 the id of another host', tell: (by, eve) => ({ ...wanted(by), id: `${eve.origin}/acts/stolen` }), status: [403] },
    { title: 'X10 an object of another host', tell: (by, eve) => wanted(by, { id: `${eve.origin}/notes/stolen` }), status: [403] },
    { title: 'X10 an object attributed to somebody else', tell: (by, eve) => wanted(by, { attributedTo: eve.id }), status: [403] },
    { title: 'X10 an object of two authors', tell: (by, eve) => wanted(by, { attributedTo: [by.id, eve.id] }), status: [403] },
    {
      title: 'X11 an edit of what is somebody else’s',
      tell: (by, eve) => ({ ...wanted(by, { id: `${eve.origin}/notes/1` }), type: 'Update' }),
      status: [403]
    },
    { title: 'X11 the profile of somebody else', tell: (by, eve) => by.does('Update', eve.actor()), status: [403] }
  ]

  for (const to of ['bob', '']) {
    for (const form of ['cavage', 'rfc9421'] as const) {
      describe(`${to === '' ? '/inbox' : '/users/bob/inbox'}, signed as ${form}`, () => {
        const place = `${to === '' ? 's' : 'n'}${form}`
        it('S3-17 takes what is genuine', async () => {
          const ann = person(`ok${place}`)
          const create = wanted(ann)
          accepted(await inboxes.post(ann, create, to, { form }))
          assert.ok(await reader.post((create.object as Json).id as string))
        })

        for (const [index, { asks = 0, by, sign, status = [401], tell, title }] of FORGERIES.entries()) {
          for (const known of [true, false]) {
            it(`${title}: refused without a trace, ${known ? 'in the name of somebody known' : 'in the name of a stranger'}`, async () => {
              const host = `f${index}${known ? 'k' : 'u'}${place}`
              const [ann, eve] = [person(host), person(`${host}eve`, { key: makeKeyOnce() })]
              if (known) accepted(await inboxes.post(ann, ann.does('Like', post), to, { form }))
              reader.pass(2 * MINUTE)
              const activity = tell?.(ann, eve) ?? wanted(ann)
              const [rows, sent] = [await inboxes.rows(), reader.net.sent.length]
              const answer = await inboxes.post(by === 'eve' ? eve : ann, activity, to, { form, ...sign?.(ann, eve, form) })
              assert.ok(status.includes(answer.status), `${answer.status} ${answer.body}`)
              assert.deepEqual(await inboxes.rows(), rows, 'it left a row')
              const asked = reader.net.requests().slice(sent)
              assert.ok(asked.length <= asks && asked.every(request => request.startsWith(`GET https://${host}.example/`)), `${asked}`)
            })
          }
        }
      })
    }
  }

  /** What the host of the actor may serve that is no proof: each is asked for once, and nothing comes of it. */
  const DOCUMENTS: { title: string; serve: (by: Person) => void; asks: number }[] = [
    { title: 'X8 an actor of another id', serve: by => by.describe({ id: `${by.origin}/users/other` }), asks: 2 },
    { title: 'X1 an actor of another host', serve: by => reader.net.set(by.id, activityPage({ ...by.actor(), id: EVIL })), asks: 1 },
    {
      title: 'X8 a key that names another owner',
      serve: by => by.describe({ publicKey: { id: by.keyId, owner: EVIL, publicKeyPem: pemOf(by.key) } }),
      asks: 1
    },
    {
      title: 'X8 a key of another id',
      serve: by => by.describe({ publicKey: { id: `${by.id}#other`, owner: by.id, publicKeyPem: pemOf(by.key) } }),
      asks: 1
    },
    { title: 'X8 no key', serve: by => by.describe({ publicKey: null }), asks: 1 },
    { title: 'X8 a key at another host', serve: by => by.describe({ publicKey: 'https://evil.example/key' }), asks: 1 },
    { title: 'X8 a redirect to another host', serve: by => reader.net.set(by.id, { redirectTo: EVIL }), asks: 2 },
    { title: 'X26 a redirect in a circle', serve: by => reader.net.set(by.id, { redirectTo: by.id }), asks: 1 },
    {
      title: 'X2 a file that is called JSON',
      serve: by => reader.net.set(by.id, { headers: { 'content-type': 'application/json' }, body: JSON.stringify(by.actor()) }),
      asks: 1
    },
    {
      title: 'X2 a file of any kind',
      serve: by => reader.net.set(by.id, { headers: { 'content-type': 'application/octet-stream' }, body: JSON.stringify(by.actor()) }),
      asks: 1
    },
    {
      title: 'X2 JSON-LD that is not ActivityStreams',
      serve: by => reader.net.set(by.id, { headers: { 'content-type': 'application/ld+json' }, body: JSON.stringify(by.actor()) }),
      asks: 1
    },
    { title: 'X36 no JSON', serve: by => reader.net.set(by.id, { headers: { 'content-type': ACTIVITY }, body: '{' }), asks: 1 },
    { title: 'a post in the actor’s place', serve: by => by.describe({ type: 'Note' }), asks: 1 },
    { title: 'X31 nothing any more', serve: by => reader.net.set(by.id, { status: 410 }), asks: 1 },
    {
      title: 'X17 a key of 512 bits',
      serve: by => by.describe({ publicKey: { id: by.keyId, owner: by.id, publicKeyPem: SHORT } }),
      asks: 1
    }
  ]
  for (const [index, { asks, serve, title }] of DOCUMENTS.entries()) {
    it(`${title}: refused without a trace`, async () => {
      reader.net.set(EVIL, activityPage(person('evil').actor()))
      const ann = person(`d${index}`)
      serve(ann)
      for (const [round, most] of [asks, 0].entries()) {
        const [rows, sent] = [await inboxes.rows(), reader.net.sent.length]
        const { body, status } = await inboxes.post(ann, wanted(ann))
        assert.equal(status, 401, body)
        assert.deepEqual(await inboxes.rows(), rows, 'it left a row')
        assert.ok(reader.net.sent.length - sent <= most, `round ${round}: ${reader.net.requests().slice(sent)}`)
      }
    })
  }
})

const SHORT = pemOf(generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey)
let onlyKey: ReturnType<typeof makeKey> | undefined
const makeKeyOnce = () => (onlyKey ??= makeKey())
