/** An inbox, and what proves that something is somebody's (X10, X11, X12). */
import assert from 'node:assert/strict'
import { accepted, activityPage } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'

describe('an inbox, shown proofs', () => {
  const at = useInboxes()

  it('X12 does nothing twice for one signature, whatever stands beside it that nobody signed', async () => {
    const ann = at.person('beside')
    accepted(await at.inboxes.post(ann, ann.does('Follow', at.reader.bob.uri)))
    const quote = ann.does('QuoteRequest', at.ours.uri, { instrument: `${ann.origin}/notes/q` })
    const time = at.reader.time.now
    accepted(await at.inboxes.post(ann, quote, 'bob', { at: time }))
    await at.answers()
    const others = [(text: string) => text.replace('#main-key', ''), (text: string) => text.replace('rsa-sha256', 'hs2019')]
    for (const other of [(text: string) => text, ...others])
      await at.nothing(async () => {
        const forge = ({ headers }: { headers: Record<string, string> }) =>
          void Object.assign(headers, { signature: other(headers.signature!) })
        accepted(await at.inboxes.post(ann, quote, 'bob', { at: time, forge }))
      })
    assert.deepEqual(await at.answers(), [])
  })

  it('X10 X11 takes no post that names nobody as its author: it could be a neighbour’s', async () => {
    const [ann, eve] = [at.person('squat'), at.person('squat', { name: 'eve' })]
    for (const one of [ann, eve]) accepted(await at.inboxes.post(one, one.does('Follow', at.reader.bob.uri)))
    await at.answers()
    const note = ann.note({ inReplyTo: at.ours.uri })
    for (const type of ['Create', 'Update']) {
      const { status } = await at.nothing(() => at.inboxes.post(eve, eve.does(type, { ...note, attributedTo: undefined })))
      assert.equal(status, 403)
    }
    at.reader.net.set(note.id as string, activityPage({ ...note, attributedTo: undefined }))
    assert.equal((await at.nothing(() => at.inboxes.post(eve, eve.does('Create', note.id)), 2)).status, 403)
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    assert.equal((await at.reader.post(note.id as string))?.authorId, (await at.actorOf(ann.id))!.id)
  })
})
