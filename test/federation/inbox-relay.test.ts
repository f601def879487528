/** What somebody passes on that another did: nothing of it is believed but where it can be asked for (X9, X11). */
import assert from 'node:assert/strict'
import { accepted, activityPage, type Json, type Person, PUBLIC } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { HOUR } from '../support/reader.ts'

describe('an inbox, told by somebody else', () => {
  const at = useInboxes()

  /** Somebody who may pass things on, as bob knows them. */
  async function relay(host: string): Promise<Person> {
    const eve = at.person(host)
    accepted(await at.inboxes.post(eve, eve.does('Follow', at.reader.bob.uri)))
    await at.answers()
    return eve
  }
  const serve = (document: Json) => at.reader.net.set(document.id as string, activityPage(document))
  const sharedAt = async (by: Person) => (await at.reader.tools.history.findAct((await at.actorOf(by.id))!.id, 'share', at.ours.uri))?.at

  it('X9 X11 takes of a share what its own host says: what is shared, with whom, and when', async () => {
    const eve = await relay('relayeve')
    const before = await at.counts()
    const [other, secret, real] = ['relayother', 'relaysecret', 'relayreal'].map(host => at.person(host)) as [Person, Person, Person]
    const elsewhere = other.does('Announce', 'https://harmless.example/1')
    const toFollowers = secret.does('Announce', at.ours.uri, { to: [`${secret.id}/followers`] })
    const open = real.does('Announce', at.ours.uri, { published: '2026-01-10T10:00:00Z' })
    for (const share of [elsewhere, toFollowers, open]) {
      serve(share)
      const forged = { ...share, object: at.ours.uri, to: [PUBLIC], published: new Date(at.reader.time.now - 9 * HOUR).toISOString() }
      accepted(await at.inboxes.post(eve, forged, ''))
    }
    assert.equal((await at.counts()).share, (before.share ?? 0) + 1, 'the one that shares our post with everybody')
    assert.deepEqual(await sharedAt(real), new Date('2026-01-10T10:00:00Z'))
    assert.equal(await at.actorOf(other.id), undefined, 'whose share is no business of ours is not kept')
  })

  it('X9 keeps no note that only by whoever passes it on is said to answer us or to mention us', async () => {
    const eve = await relay('relaynote')
    const ann = at.person('relayann')
    const mention = { tag: [{ type: 'Mention', href: at.reader.bob.uri }] }
    const [stray, edited, meant] = [ann.note(), ann.note(), ann.note({ to: [at.reader.bob.uri] })]
    for (const note of [stray, edited, meant]) serve(note)
    const told = [
      ann.does('Create', { ...stray, inReplyTo: at.ours.uri }),
      ann.does('Update', { ...edited, ...mention }),
      ann.does('Create', { ...meant, ...mention })
    ]
    for (const activity of told) accepted(await at.inboxes.post(eve, activity, ''))
    assert.deepEqual([await at.reader.post(stray.id as string), await at.reader.post(edited.id as string)], [undefined, undefined])
    assert.ok(await at.reader.post(meant.id as string), 'its author addressed bob')
  })

  it('X9 takes as nothing what cannot be read where it is asked for', async () => {
    const eve = await relay('relayjunk')
    const ann = at.person('relayjunkann')
    const share = ann.does('Announce', at.ours.uri)
    for (const more of [{ actor: [ann.id, eve.id] }, { actor: null }, { id: `${ann.origin}/acts/other` }, { type: 'Like' }]) {
      at.reader.net.set(share.id as string, activityPage({ ...share, ...more }))
      await at.nothing(async () => accepted(await at.inboxes.post(eve, share, '')), 2)
      at.reader.pass(HOUR)
    }
  })
})
