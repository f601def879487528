/** An inbox, told of a post and its edits in any order, late and more than once (W18, W29, X11). */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { accepted, type Json, PUBLIC } from '../support/fediverse.ts'
import { useInboxes } from '../support/open-inboxes.ts'
import { MINUTE, SECOND } from '../support/reader.ts'

describe('an inbox, told of edits', () => {
  const at = useInboxes()

  const kept = async (note: Json) => {
    const { html, visibility } = (await at.reader.post(note.id as string))!
    return [html, visibility]
  }
  const content = (version: number | string) => `<p>version ${version}</p>`

  it('W18 X11 keeps the last version, whenever the Create comes and however often', async () => {
    const ann = at.person('edits1')
    const note = ann.note({ inReplyTo: at.ours.uri, content: content(1) })
    const create = ann.does('Create', note)
    accepted(await at.inboxes.post(ann, create))
    const update = ann.does('Update', { ...note, content: content(2), updated: '2026-01-10T11:30:00Z' })
    accepted(await at.inboxes.post(ann, update))
    at.reader.pass(MINUTE)
    accepted(await at.inboxes.post(ann, create))
    assert.deepEqual(await kept(note), [content(2), 'public'])
    accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, content: content(3), updated: '2026-01-10T11:31:00Z' })))
    assert.deepEqual(await kept(note), [content(3), 'public'])
  })

  it('W18 X11 ends in the same state in whatever order a post and its edits come', async () => {
    const ann = at.person('edits2')
    const fewer = [
      { to: [PUBLIC] },
      { to: [`${ann.id}/followers`], cc: [PUBLIC] },
      { to: [`${ann.id}/followers`] },
      { to: [at.reader.bob.uri] }
    ]
    const names = ['public', 'unlisted', 'followers', 'direct']
    const visibilities = fc.array(fc.nat({ max: 3 }), { minLength: 2, maxLength: 4 })
    const orders = visibilities.chain(versions =>
      // each comes once at least, and any of them once more
      fc.tuple(
        fc.constant(versions),
        fc
          .shuffledSubarray([...versions.keys(), ...versions.keys()], { minLength: versions.length })
          .filter(order => new Set(order).size === versions.length)
      )
    )
    await fc.assert(
      fc.asyncProperty(orders, async ([versions, order]) => {
        const note = ann.note({ inReplyTo: at.ours.uri })
        const tell = (version: number) => {
          const updated = version === 0 ? {} : { updated: `2026-01-10T11:3${version}:00Z` }
          return { ...note, ...fewer[versions[version]!], ...updated, content: content(version) }
        }
        for (const version of order) {
          at.reader.pass(SECOND)
          accepted(await at.inboxes.post(ann, ann.does(version === 0 ? 'Create' : 'Update', tell(version))))
        }
        assert.deepEqual(await kept(note), [content(versions.length - 1), names[Math.max(...versions)]])
      }),
      { numRuns: 40 }
    )
  })

  it('W18 takes an edit that tells no time as one of when it was signed', async () => {
    const ann = at.person('edits3')
    const note = ann.note({ inReplyTo: at.ours.uri, content: content(1) })
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    const signed = at.reader.time.now
    at.reader.pass(20 * MINUTE)
    accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, content: content(3) })))
    accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, content: content(2) }), 'bob', { at: signed + MINUTE }))
    assert.deepEqual(await kept(note), [content(3), 'public'])
    accepted(await at.inboxes.post(ann, ann.does('Create', note)))
    assert.deepEqual(await kept(note), [content(3), 'public'])
  })

  it('W29 narrows who may read, though nothing else of the post changes and no time is told', async () => {
    const ann = at.person('edits4')
    for (const more of [{}, { updated: '2026-01-10T11:30:00Z' }]) {
      const note = ann.note({ inReplyTo: at.ours.uri, content: content(1), ...more })
      accepted(await at.inboxes.post(ann, ann.does('Create', note)))
      accepted(await at.inboxes.post(ann, ann.does('Update', { ...note, to: [at.reader.bob.uri] })))
      assert.deepEqual(await kept(note), [content(1), 'direct'])
      accepted(await at.inboxes.post(ann, ann.does('Create', note)))
      assert.deepEqual(await kept(note), [content(1), 'direct'])
    }
  })
})
