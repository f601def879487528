/** ActivityPub documents of others: only where they belong is it proven whose they are (X1, X2, X8, X19). */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { confirmHandle, fetchActor, fetchDocument, keepActor, meetActor, readSigningKey } from '../../src/federation/fetch-actor.ts'
import { isFailure } from '../../src/model/errors.ts'
import { textOf } from '../../src/protocol/json-ld.ts'
import { jrd, webFinger } from '../support/discovery.ts'
import { ACTIVITY, activityPage, makePerson, pemOf } from '../support/fediverse.ts'
import { type Reader, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

const failure = (status: number) => (error: unknown) => isFailure(error) && error.status === status

describe('a document by its id', () => {
  let reader: Reader
  before(async () => {
    reader = await startReader()
  })
  after(() => reader.close())
  const person = (host: string, options = {}) => makePerson(reader.net, host, options)
  const note = (id: string) => activityPage({ id, type: 'Note', attributedTo: 'https://a.example/users/ann' })

  it('FEP-2677 X2 is asked for as ActivityPub, in the name of the node, whose signature its host can check', async () => {
    reader.net.set('https://a.example/1', note('https://a.example/1'))
    await fetchDocument(reader.tools, 'https://a.example/1')
    const { headers } = reader.net.sent.at(-1)!
    assert.match(
      headers.accept!,
      /^application\/activity\+json, application\/ld\+json; profile="https:\/\/www.w3.org\/ns\/activitystreams"$/
    )
    assert.match(headers.signature!, /keyId="https:\/\/reader.example\/actor#main-key"/)
  })

  it('X1 counts at its own id: another address of one host leads to it, which is asked once', async () => {
    reader.net.set('https://a.example/@ann/2', note('https://a.example/2'))
    reader.net.set('https://a.example/2', note('https://a.example/2'))
    assert.equal((await fetchDocument(reader.tools, 'https://a.example/@ann/2')).id, 'https://a.example/2')
    reader.net.set('https://a.example/moved', { redirectTo: 'https://a.example/2' })
    assert.equal(textOf((await fetchDocument(reader.tools, 'https://a.example/moved')).document, 'id'), 'https://a.example/2')
    reader.net.set('https://a.example/upload', note('https://a.example/3'))
    reader.net.set('https://a.example/3', note('https://a.example/4'))
    await assert.rejects(fetchDocument(reader.tools, 'https://a.example/upload'), failure(403))
  })

  it('X1 X8 X10 is refused from another host, by its id or by a redirect', async () => {
    reader.net.set('https://a.example/5', note('https://b.example/5'))
    reader.net.set('https://b.example/5', note('https://b.example/5'))
    reader.net.set('https://a.example/6', { redirectTo: 'https://b.example/5' })
    for (const n of [5, 6]) await assert.rejects(fetchDocument(reader.tools, `https://a.example/${n}`), failure(403))
    assert.ok(!reader.net.requests().slice(0, -1).includes('GET https://b.example/5'), 'the id is not asked for')
  })

  it('X2 is refused under any other type, as files that people upload have', async () => {
    const document = note('https://a.example/7') as { body: string }
    for (const type of [
      'application/json',
      'text/plain',
      'application/octet-stream',
      'text/html',
      'application/ld+json',
      'application/ld+json; profile="x"',
      ''
    ]) {
      reader.net.set('https://a.example/7', { ...document, headers: type === '' ? {} : { 'content-type': type } })
      await assert.rejects(fetchDocument(reader.tools, 'https://a.example/7'), failure(403), type)
    }
    for (const type of [
      ACTIVITY,
      'Application/Activity+JSON; charset=utf-8',
      'application/ld+json; charset=utf-8; profile="https://www.w3.org/ns/activitystreams"'
    ]) {
      reader.net.set('https://a.example/7', { ...document, headers: { 'content-type': type } })
      await fetchDocument(reader.tools, 'https://a.example/7')
    }
  })

  it('tells what is gone, what is down and what is refused apart', async () => {
    for (const [status, told] of [
      [404, 404],
      [410, 410],
      [401, 403],
      [500, 502],
      [429, 502]
    ] as const) {
      reader.net.set('https://a.example/8', { status })
      await assert.rejects(fetchDocument(reader.tools, 'https://a.example/8'), failure(told))
    }
  })

  it('X8 is an actor’s with its keys: those that name it, and stand at its host', async () => {
    const ann = person('keys')
    assert.deepEqual(
      (await fetchActor(reader.tools, ann.id)).keys.map(({ id }) => id),
      [ann.keyId]
    )
    const key = { id: ann.keyId, owner: ann.id, publicKeyPem: pemOf(ann.key) }
    ann.describe({ publicKey: [key, { ...key, id: 'https://evil.example/key' }, { ...key, owner: 'https://evil.example/eve' }] })
    assert.equal((await fetchActor(reader.tools, ann.id)).keys.length, 1)
    ann.describe({ publicKey: { ...key, owner: 'https://evil.example/eve' } })
    await assert.rejects(fetchActor(reader.tools, ann.id), failure(403))
    ann.describe({ type: 'Note' })
    await assert.rejects(fetchActor(reader.tools, ann.id), failure(403))
  })

  it('X8 takes a key of its own document when each names the other', async () => {
    const ann = person('keydocument')
    const [url, publicKeyPem] = [`${ann.id}/main-key`, pemOf(ann.key)]
    ann.describe({ publicKey: url })
    reader.net.set(url, activityPage({ id: url, type: 'Key', owner: ann.id, publicKeyPem }))
    assert.equal((await fetchActor(reader.tools, ann.id)).keys[0]?.pem.trim(), publicKeyPem.trim())
    for (const wrong of [
      { id: url, owner: 'https://evil.example/eve', publicKeyPem },
      { id: `${url}2`, owner: ann.id, publicKeyPem },
      { id: url, publicKeyPem },
      {}
    ]) {
      reader.net.set(url, activityPage(wrong))
      await assert.rejects(fetchActor(reader.tools, ann.id), failure(403))
    }
  })

  it('X17 uses RSA keys of 1024 bits or more and Ed25519, and no others', () => {
    const rsa = (modulusLength: number) => pemOf(generateKeyPairSync('rsa', { modulusLength }).privateKey)
    for (const pem of [rsa(1024), pemOf(generateKeyPairSync('ed25519').privateKey)]) assert.ok(readSigningKey(pem))
    for (const pem of [rsa(512), pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey), 'no key', ''])
      assert.equal(readSigningKey(pem), undefined)
  })

  describe('the handle of an actor', () => {
    const told = async (host: string) => confirmHandle(reader.tools, await fetchActor(reader.tools, `https://${host}.example/users/ann`))
    const finger = (acct: string, host: string, id: string, subject = acct) =>
      reader.net.set(
        webFinger(`acct:${acct}`, host),
        jrd({ subject: `acct:${subject}`, links: [{ rel: 'self', type: ACTIVITY, href: id }] })
      )

    it('is what its host confirms, and nothing else', async () => {
      const ann = person('handle')
      assert.equal(await told('handle'), 'ann@handle.example')
      finger('ann@handle.example', 'handle.example', 'https://handle.example/users/other')
      assert.equal(await told('handle'), undefined)
      reader.net.set(webFinger('acct:ann@handle.example', 'handle.example'), { status: 404 })
      assert.equal(await told('handle'), undefined)
      ann.describe({ preferredUsername: null })
      assert.equal(await told('handle'), undefined)
    })

    it('X14 may be at another host, if that names the actor as well', async () => {
      const ann = person('social')
      finger('ann@social.example', 'social.example', ann.id, 'ann@blog.example')
      assert.equal(await told('social'), undefined)
      finger('ann@blog.example', 'blog.example', 'https://evil.example/ann')
      assert.equal(await told('social'), undefined)
      finger('ann@blog.example', 'blog.example', ann.id)
      assert.equal(await told('social'), 'ann@blog.example')
      ann.describe({ webfinger: 'ann@blog.example' })
      assert.equal(await told('social'), 'ann@blog.example', 'FEP-2c59')
    })
  })

  describe('kept', () => {
    const keep = async (id: string) => {
      const { acct, document } = await meetActor(reader.tools, id)
      return reader.tools.transaction(stores => keepActor(stores, document, reader.tools.clock(), acct))
    }

    it('X19 lifts whom OStatus knew by that URI, and keeps what OStatus told', async () => {
      const ann = person('same')
      const facts = { uri: ann.id, feedUrl: `${ann.id}.atom`, salmonUrl: `${ann.id}/salmon`, keys: ['RSA.x.AQAB'], trusted: true }
      const before = await reader.tools.actors.keep(facts, reader.tools.clock())
      const after = await keep(ann.id)
      assert.deepEqual([after.id, after.speaks, after.feedUrl, after.keys], [before.id, 'activitypub', facts.feedUrl, facts.keys])
      assert.equal((await reader.tools.actors.keep(facts, reader.tools.clock())).speaks, 'activitypub', 'and never falls back')
    })

    it('X19 makes one of two rows of one handle, with what both said and whom they knew', async () => {
      const { actors, follows } = reader.tools
      const ann = person('two')
      const now = reader.tools.clock()
      const apart = await actors.keep({ uri: ann.id, trusted: true }, now)
      const old = await actors.keep({ uri: 'tag:two.example,2020:ann', acct: 'ann@two.example', trusted: true }, now)
      const posts = [await keepPost(reader.tools, apart), await keepPost(reader.tools, old)]
      for (const { id } of [apart, old]) await follows.add({ followerId: id, followedId: reader.bob.id, via: 'salmon' }, now)
      await follows.add({ followerId: reader.bob.id, followedId: apart.id, via: 'feed' }, now)
      const one = await keep(ann.id)
      assert.deepEqual([one.id, one.uri, one.acct], [old.id, ann.id, 'ann@two.example'])
      assert.equal(await actors.find(apart.id), undefined)
      for (const name of [ann.id, 'tag:two.example,2020:ann', 'acct:ann@two.example'])
        assert.equal((await actors.findByName(name))?.id, one.id)
      for (const { id } of posts) assert.equal((await reader.tools.history.find(id))!.authorId, one.id)
      assert.ok(await follows.find(one.id, reader.bob.id))
      assert.ok(await follows.find(reader.bob.id, one.id))
    })

    it('is nobody of ours', async () => {
      const ann = person('ours')
      const document = { ...(await fetchActor(reader.tools, ann.id)), id: reader.bob.uri }
      const now = reader.tools.clock()
      await assert.rejects(
        reader.tools.transaction(stores => keepActor(stores, document, now)),
        failure(403)
      )
      const handle = { ...document, id: ann.id }
      await assert.rejects(
        reader.tools.transaction(stores => keepActor(stores, handle, now, reader.bob.acct)),
        failure(403)
      )
    })
  })
})
