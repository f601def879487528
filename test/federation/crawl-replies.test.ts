/** The rest of a thread: what other servers know of its answers (W25, W26), within bounds (X30). */
import assert from 'node:assert/strict'
import { readReplies } from '../../src/federation/crawl-replies.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { accepted, activityPage, type Json, makeInboxes, makePerson, type Person } from '../support/fediverse.ts'
import { MINUTE, type Reader, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'

describe('the answers that other servers know', () => {
  let reader: Reader
  let inboxes: ReturnType<typeof makeInboxes>
  let ours: KeptPost
  before(async () => {
    reader = await startReader({ TRUST_PROXY: '1' })
    inboxes = makeInboxes(reader)
    ours = await keepPost(reader.tools, reader.bob)
  })
  beforeEach(async () => {
    reader.pass(2 * MINUTE)
    // a thread of its own for each, as bounds are the thread's
    ours = await keepPost(reader.tools, reader.bob)
  })
  after(() => reader.close())

  const person = (host: string) => makePerson(reader.net, host)
  /** A note at its own id. */
  const publish = (by: Person, inReplyTo: unknown, more: Json = {}): string => {
    const note = by.note({ inReplyTo, ...more })
    reader.net.set(note.id as string, activityPage(note))
    return note.id as string
  }
  /** An answer of ann's to ours, with a collection of its own answers. */
  const answered = async (ann: Person): Promise<{ id: string; post: string; url: string }> => {
    const note = ann.note({ inReplyTo: ours.uri })
    const id = note.id as string
    accepted(await inboxes.post(ann, ann.does('Create', { ...note, replies: `${id}/replies` })))
    return { id, post: (await reader.post(id))!.id, url: `${id}/replies` }
  }
  const collection = (url: string, first: Json | string): void => reader.net.set(url, activityPage({ id: url, type: 'Collection', first }))
  const read = (wanted: { post: string; url: string }, left = 20) => readReplies(reader.tools, { ...wanted, left })

  it('W25 W26 are read from a first page inside and the pages that follow, each from its own host', async () => {
    const [ann, zoe] = [person('w26'), person('w26zoe')]
    const wanted = await answered(ann)
    const [one, two, three] = [publish(ann, wanted.id), publish(zoe, wanted.id), publish(zoe, wanted.id)]
    collection(wanted.url, { type: 'CollectionPage', next: `${wanted.url}?page=2`, items: [one] })
    reader.net.set(
      `${wanted.url}?page=2`,
      activityPage({ type: 'CollectionPage', items: [{ id: two, type: 'Note', content: 'forged' }, three] })
    )
    await read(wanted)
    for (const [uri, author] of [
      [one, ann],
      [two, zoe],
      [three, zoe]
    ] as const) {
      const post = (await reader.post(uri))!
      assert.equal(post.parentId, wanted.post)
      assert.equal((await reader.tools.actors.find(post.authorId))!.uri, author.id)
      assert.ok(!post.html.includes('forged'))
    }
  })

  it('are read to the second depth, and no further', async () => {
    const ann = person('depth')
    const wanted = await answered(ann)
    const ids: string[] = []
    let above = wanted.id
    for (const depth of [1, 2, 3]) {
      const id = publish(ann, above, { replies: `${ann.origin}/deep/${depth}/replies` })
      ids.push(id)
      above = id
    }
    collection(wanted.url, { items: [ids[0]!] })
    collection(`${ann.origin}/deep/1/replies`, { items: [ids[1]!] })
    collection(`${ann.origin}/deep/2/replies`, { items: [ids[2]!] })
    await read(wanted)
    assert.deepEqual(await Promise.all(ids.map(async id => (await reader.post(id)) !== undefined)), [true, true, false])
  })

  it('X10 X11 count only where they are: not what is elsewhere, of another, an answer to something else, or private', async () => {
    const [ann, eve] = [person('elsewhere'), person('elsewhereeve')]
    const wanted = await answered(ann)
    const stolen = publish(eve, wanted.id, { attributedTo: ann.id })
    const moved = eve.note({ inReplyTo: wanted.id, id: `${ann.origin}/notes/stolen` })
    reader.net.set(`${eve.origin}/upload`, activityPage(moved))
    const [other, secret] = [publish(ann, 'https://else.example/1'), publish(ann, wanted.id, { to: [`${ann.id}/followers`], cc: [] })]
    const gone = `${ann.origin}/gone`
    collection(wanted.url, {
      items: [stolen, `${eve.origin}/upload`, other, secret, gone, 'urn:x', 7 as never, reader.bob.uri, `${ours.uri}/x`]
    })
    await read(wanted)
    for (const uri of [stolen, moved.id as string, other, secret]) assert.equal(await reader.post(uri), undefined, uri)
  })

  it('X30 cost no more requests than were left, nor than twenty for a thread, whatever a server makes up', async () => {
    const eve = person('endless')
    const wanted = await answered(eve)
    reader.net.set(wanted.url, activityPage({ id: wanted.url, type: 'Collection', first: `${wanted.url}?page=0` }))
    for (let page = 0; page < 50; page++)
      reader.net.set(
        `${wanted.url}?page=${page}`,
        activityPage({ type: 'CollectionPage', next: `${wanted.url}?page=${page + 1}`, items: [publish(eve, wanted.id)] })
      )
    const sent = () => reader.net.sent.length
    let before = sent()
    await read(wanted, 3)
    assert.ok(sent() - before <= 3)
    before = sent()
    for (let round = 0; round < 5; round++) await read(wanted, 20)
    assert.ok(sent() - before <= 20, `${sent() - before}`)
  })

  it('stay within the host of the post: no page of another is read', async () => {
    const [ann, eve] = [person('within'), person('withineve')]
    const wanted = await answered(ann)
    collection(wanted.url, `${eve.origin}/page`)
    const before = reader.net.sent.length
    await read({ ...wanted, url: `${eve.origin}/replies` })
    assert.equal(reader.net.sent.length, before)
    await read(wanted)
    assert.deepEqual(reader.net.requests().slice(before), [`GET ${wanted.url}`])
  })

  it('are not asked for when the post is gone, its author blocked, or it is ours', async () => {
    const ann = person('over')
    const wanted = await answered(ann)
    const before = reader.net.sent.length
    const { id } = (await reader.tools.actors.findByUri(ann.id))!
    await reader.tools.actors.block(id, reader.tools.clock())
    for (const post of [wanted.post, ours.id, 'nothing']) await read({ ...wanted, post })
    assert.equal(reader.net.sent.length, before)
  })
})
