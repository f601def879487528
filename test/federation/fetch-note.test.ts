/** What an answer or a share at an inbox is about, fetched by ActivityPub from where it is (X1, X2, X11, X19). */
import assert from 'node:assert/strict'
import { favourite, share, undo } from '../../src/federation/act.ts'
import { fetchMissing } from '../../src/federation/fetch-missing.ts'
import { publish as publishPost } from '../../src/federation/publish.ts'
import { accepted, activityPage, type Json, makeInboxes, makePerson, type Person } from '../support/fediverse.ts'
import { MINUTE, type Reader, startReader } from '../support/reader.ts'

describe('a note that is missing', () => {
  let reader: Reader
  let inboxes: ReturnType<typeof makeInboxes>
  before(async () => {
    reader = await startReader({ TRUST_PROXY: '1' })
    inboxes = makeInboxes(reader)
  })
  beforeEach(() => reader.pass(2 * MINUTE))
  after(() => reader.close())

  const person = (host: string) => makePerson(reader.net, host)
  const publish = (by: Person, more: Json = {}, type?: string): string => {
    const note = by.note(more)
    reader.net.set(note.id as string, activityPage(note, type === undefined ? {} : { 'content-type': type }))
    return note.id as string
  }
  const mention = () => ({ tag: [{ type: 'Mention', href: reader.bob.uri }] })
  /** Works the queue of what is to be fetched. Answers the requests that were made. */
  const fetchAll = async (): Promise<string[]> => {
    const before = reader.net.sent.length
    for (let jobs = await inboxes.jobs('post.fetch'); jobs.length > 0; jobs = await inboxes.jobs('post.fetch'))
      for (const job of jobs) await fetchMissing(reader.tools, job)
    return reader.net.requests().slice(before)
  }
  const answer = async (by: Person, inReplyTo: string): Promise<string> => {
    const note = by.note({ inReplyTo, ...mention() })
    accepted(await inboxes.post(by, by.does('Create', note)))
    return note.id as string
  }

  it('S3-24 W25 is the post that an answer answers, and what that answers: the thread is whole', async () => {
    const [ann, zoe] = [person('up'), person('upzoe')]
    const root = publish(zoe)
    const parent = publish(zoe, { inReplyTo: root })
    const id = await answer(ann, parent)
    const requests = await fetchAll()
    assert.deepEqual(requests.slice(0, 2), [`GET ${parent}`, `GET ${zoe.id}`])
    const [top, middle, below] = [(await reader.post(root))!, (await reader.post(parent))!, (await reader.post(id))!]
    assert.deepEqual([below.parentId, middle.parentId], [middle.id, top.id])
    const author = (await reader.tools.actors.find(top.authorId))!
    assert.deepEqual([author.speaks, author.acct], ['activitypub', 'ann@upzoe.example'])
  })

  it('W45 is fetched when the owner answers, favours or shares it, once, by its id or its page; else the cure is told', async () => {
    const { bob, tools, net } = reader
    const zoe = person('meant')
    const ids = [0, 1, 2].map(() => publish(zoe))
    const requests = (of: string) => net.requests().filter(request => request === `GET ${of}`).length
    assert.equal((await favourite(tools, bob, ids[0]!)).post.uri, ids[0])
    assert.equal((await share(tools, bob, ids[1]!)).post.uri, ids[1])
    assert.equal((await publishPost(tools, bob, { text: 'yes', replyTo: ids[2]! })).inReplyTo, ids[2])
    await share(tools, bob, ids[0]!)
    assert.deepEqual(ids.map(requests), [1, 1, 1])
    const page = `${zoe.origin}/pages/4`
    const note = zoe.note({ url: page })
    net.set(note.id as string, activityPage(note))
    net.set(page, activityPage(note))
    assert.equal((await favourite(tools, bob, page)).post.uri, note.id)
    const asked = net.sent.length
    await assert.rejects(undo(tools, bob, `${zoe.origin}/notes/none`), { name: 'Missing' })
    assert.equal(net.sent.length, asked)
    await assert.rejects(favourite(tools, bob, `${zoe.origin}/notes/none`), /not found at its address: follow its author/)
    for (let n = 0; n < 10; n++) await favourite(tools, bob, `${zoe.origin}/notes/none`).catch(() => {})
    await assert.rejects(favourite(tools, bob, `${zoe.origin}/notes/none`), /asked for enough posts/)
  })

  it('X1 X2 X10 is not taken from a file, from another id, by another host’s author or as another type', async () => {
    const [ann, eve] = [person('x2note'), person('x2noteeve')]
    const uploaded = publish(eve, {}, 'application/json')
    const foreign = publish(eve, { attributedTo: ann.id })
    const renamed = `${eve.origin}/upload`
    reader.net.set(renamed, activityPage(eve.note({ id: `${ann.origin}/notes/9` })))
    const actor = `${eve.origin}/users/ann`
    for (const target of [uploaded, foreign, renamed, actor]) {
      await answer(ann, target)
      await fetchAll()
      assert.equal(await reader.post(target), undefined, target)
    }
    assert.equal(await reader.post(`${ann.origin}/notes/9`), undefined)
  })

  it('X1 is asked at its own id when it is found at another address of its host', async () => {
    const [ann, zoe] = [person('page'), person('pagezoe')]
    const page = `${zoe.origin}/@ann/1`
    const id = publish(zoe, { url: page })
    reader.net.set(page, activityPage(zoe.note({ id, url: page, content: 'another' })))
    const below = await answer(ann, page)
    await fetchAll()
    const found = (await reader.post(id))!
    assert.deepEqual([(await reader.post(below))!.parentId, found.html.includes('another')], [found.id, false])
  })

  it('is nobody’s who is blocked, by themselves or by their host', async () => {
    const [ann, zoe] = [person('free'), person('blockedparent')]
    const parent = publish(zoe)
    await reader.tools.verdicts.keep('host:blockedparent.example', 'blocked', reader.tools.clock())
    await answer(ann, parent)
    await fetchAll()
    assert.equal(await reader.post(parent), undefined)
    assert.equal(await reader.tools.actors.findByUri(zoe.id), undefined)
  })
})
