/** A host is one host, with the dot of the root or without (X13, CVE-2023-42451). */
import assert from 'node:assert/strict'
import { isOfOne } from '../../src/federation/fetch-actor.ts'
import { domainsOf, hostOfName, isRightful } from '../../src/federation/identity.ts'
import { block } from '../../src/federation/moderate.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { meet } from '../support/residents.ts'

describe('a host with a dot at its end', () => {
  const at = useInboxes()

  it('X13 W31 gets nobody around a block of the host: it is no address, and nobody is asked', async () => {
    await block(at.reader.tools, 'dot.example')
    const plain = at.person('dot')
    const told = (id: string) => {
      const by = { ...plain, keyId: `${new URL(id).href}#main-key` }
      const note = plain.note({ id: `${new URL(id).origin}/notes/1`, attributedTo: id, inReplyTo: at.ours.uri })
      return at.nothing(() => at.inboxes.post(by, { ...plain.does('Create', note), actor: id, id: `${id}#create` }))
    }
    assert.equal((await told(plain.id)).status, 202)
    for (const host of ['dot.example.', 'DOT.example.', 'dot.example。', 'dot.example%2E', 'dot.example.:443', 'sub.dot.example.'])
      assert.equal((await told(`https://${host}/users/ann`)).status, 400, host)
  })

  it('X13 is not one of ours under another name', async () => {
    const ann = at.person('dotown')
    const us = at.reader.bob.uri.replace('reader.example', 'reader.example.')
    assert.equal((await at.nothing(() => at.inboxes.post(ann, { ...ann.does('Like', at.ours.uri), actor: us, id: `${us}#1` }))).status, 400)
  })

  it('X13 is compared without it, and owns no id', async () => {
    assert.deepEqual(domainsOf('https://a.b.example.:8443/x'), ['a.b.example:8443', 'a.b.example', 'b.example', 'example'])
    assert.deepEqual(['acct:ann@b.example.', 'https://b.example./'].map(hostOfName), ['b.example', 'b.example'])
    assert.equal(isOfOne('https://b.example./1', 'https://b.example./2'), false)
    assert.equal(isRightful('https://a.example./1', await meet(at.reader.tools, 'bob')), false)
  })
})
