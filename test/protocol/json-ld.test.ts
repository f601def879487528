/** What of JSON-LD is read (X2, X8). */
import assert from 'node:assert/strict'
import { readActivity } from '../../src/protocol/activitystreams.ts'
import { readActor, readKeyDocument } from '../../src/protocol/actor-document.ts'
import { isActivityType, readJsonObject } from '../../src/protocol/json-ld.ts'

const read = (document: unknown) => readJsonObject(Buffer.from(JSON.stringify(document)))
const AS = 'https://www.w3.org/ns/activitystreams'

describe('documents of ActivityPub', () => {
  it('X2 are known by their type alone', () => {
    const own = [
      'application/activity+json',
      'APPLICATION/activity+json ; charset=utf-8',
      `application/ld+json; profile="${AS}"`,
      `application/ld+json;profile=${AS}`
    ]
    for (const type of own) assert.ok(isActivityType(type), type)
    const others = [
      undefined,
      '',
      'application/json',
      'application/ld+json',
      'application/ld+json; profile="x"',
      `text/html; profile="${AS}"`,
      'application/activity+jsonx'
    ]
    for (const type of others) assert.equal(isActivityType(type), false, type)
  })

  it('X8 name keys that stand in documents of their own, and those name their owner', () => {
    const url = 'https://a.example/users/ann/main-key'
    const actor = readActor(read({ id: 'https://a.example/users/ann', type: 'Person', inbox: 'https://a.example/inbox', publicKey: url }))
    assert.deepEqual([actor?.keys, actor?.keyUrls], [[], [url]])
    const key = { id: url, owner: 'https://a.example/users/ann', publicKeyPem: 'PEM' }
    const told = { id: url, owner: key.owner, pem: 'PEM' }
    assert.deepEqual(readKeyDocument(read(key), url), told)
    assert.deepEqual(readKeyDocument(read({ id: key.owner, type: 'Person', publicKey: key }), url), told)
    assert.equal(readKeyDocument(read({ ...key, id: `${url}2` }), url), undefined)
    assert.equal(readKeyDocument(read({ ...key, owner: undefined }), url)?.owner, '')
  })

  it('FEP-044f may ask whether they may quote, and may complain', () => {
    const told = (type: string) =>
      readActivity(read({ type, actor: 'https://a.example/ann', object: ['https://b.example/1', 'https://b.example/bob'] }))
    assert.deepEqual([told('QuoteRequest').verb, told('Flag').verb], ['quote', 'flag'])
  })
})
