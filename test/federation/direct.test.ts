/** Answers to what is not for everybody: to whom they go, and where they are not seen (W29, W37, W38). */
import assert from 'node:assert/strict'
import { edit, ownPost, publish, remove } from '../../src/federation/publish.ts'
import { Refused } from '../../src/model/errors.ts'
import type { KeptPost } from '../../src/model/kept.ts'
import { signIn } from '../support/browser.ts'
import { ACTIVITY } from '../support/fediverse.ts'
import { type Activity, type Inhabitant, makeInhabitants } from '../support/inhabitants.ts'
import { keepPost } from '../support/residents.ts'
import { startWriter, type Writer } from '../support/writer.ts'

type Note = { id: string; to: string[]; cc: string[]; inReplyTo: string; tag: { href: string }[] }

describe('an answer to what is not for everybody', () => {
  let writer: Writer
  let fan: Inhabitant
  let bob: Inhabitant
  let zoe: Inhabitant
  beforeEach(async () => {
    writer = await startWriter()
    const people = makeInhabitants(writer.hub, writer.ann)
    fan = await people.inhabitant('fan', 'fan.example', { follows: true, isShared: true })
    bob = await people.inhabitant('bob', 'fan.example', { isShared: true })
    zoe = await people.inhabitant('zoe')
  })
  afterEach(() => writer?.close())

  const told = (visibility: 'direct' | 'followers', by: Inhabitant = bob): Promise<KeptPost> => {
    const uri = `https://fan.example/notes/${visibility}`
    return keepPost(writer.tools, by.actor, { uri, url: uri, visibility, mentions: [writer.ann.uri] })
  }
  const answer = async (parent: KeptPost, text = 'a secret') => {
    const post = await publish(writer.tools, writer.ann, { text, replyTo: parent.uri })
    await writer.work()
    return post
  }
  const noteOf = (activity: Activity) => activity.object as Note
  /** Signed in, over loopback. */
  const owner = () => signIn({ ...writer.hub.node, url: `http://${writer.hub.node.host}` })
  const refused = (words: RegExp) => (error: unknown) => error instanceof Refused && words.test(error.message)

  for (const visibility of ['direct', 'followers'] as const) {
    it(`W29 W38 goes to its author’s own inbox alone, of one that is ${visibility}`, async () => {
      const [subscriber, parent] = [await writer.listener(), await told(visibility)]
      const post = await answer(parent)
      const [create] = await bob.got()
      assert.deepEqual([create?.type, create?.to, create?.cc], ['Create', [bob.actor.uri], []])
      const note = noteOf(create!)
      assert.deepEqual([note.id, note.to, note.cc, note.inReplyTo], [post.uri, [bob.actor.uri], [], parent.uri])
      assert.deepEqual(
        note.tag.map(({ href }) => href),
        [bob.actor.uri]
      )
      for (const elsewhere of [bob.shared, fan.inbox, zoe.inbox, subscriber]) assert.equal(elsewhere.got.length, 0)
      assert.deepEqual((await writer.tools.deliveries.list({ failed: false, limit: 9 })).length, 1)
    })
  }

  it('W29 W38 goes to whom it mentions as well, and its edit and its end go where it went', async () => {
    const post = await answer(await told('direct'), 'a secret for @zoe@zoe.example')
    await edit(writer.tools, writer.ann, post, { text: 'another one' })
    await writer.work()
    await remove(writer.tools, writer.ann, await ownPost(writer.tools, writer.ann, post.uri))
    await writer.work()
    for (const one of [bob, zoe]) {
      const got = await one.got()
      assert.deepEqual(
        got.map(({ type }) => type),
        ['Create', 'Update', 'Delete']
      )
      for (const { cc = [], to } of got) assert.deepEqual([...to!, ...cc].sort(), [bob.actor.uri, zoe.actor.uri])
    }
    assert.equal(fan.inbox.got.length + fan.shared.got.length, 0)
  })

  it('W38 goes on with whom one wrote to', async () => {
    const first = await answer(await told('direct'))
    await answer(first, 'and another')
    assert.deepEqual(
      (await bob.got()).map(activity => noteOf(activity).inReplyTo),
      ['https://fan.example/notes/direct', first.uri]
    )
  })

  it('W29 W43 is seen by the owner, and nowhere by anybody else', async () => {
    const root = await keepPost(writer.tools, writer.ann)
    const parent = await keepPost(writer.tools, bob.actor, { visibility: 'direct', parentId: root.id, inReplyTo: root.uri })
    const post = await answer(parent)
    const { node } = writer.hub
    const [name, id] = [`/users/ann`, `/users/ann/posts/${post.id}`]
    const ask = (path: string, accept = 'text/html') => fetch(`http://${node.host}${path}`, { headers: { accept } })
    for (const [path, accept] of [[id], [id, ACTIVITY], [`${id}.atom`], [`${id}/replies`, ACTIVITY]] as const)
      assert.equal((await ask(path, accept)).status, 404, path)
    const open = [
      ...['/', name, `${name}.atom`, `${name}.rss`, `${name}.json`, new URL(root.uri).pathname, '/search?q=secret'],
      `/api/comments?url=${encodeURIComponent(root.uri)}`
    ]
    const documents = [`${name}/outbox`, `${name}/outbox?page=true`, `${name}/featured`, `${new URL(root.uri).pathname}/replies`]
    for (const path of open) assert.doesNotMatch(await (await ask(path)).text(), /a secret/, path)
    for (const path of documents) assert.ok(!(await (await ask(path, ACTIVITY)).text()).includes(post.uri), path)
    assert.match((await (await owner()).get(id)).text, /a secret/)
  })

  it('W29 is refused where somebody cannot be told alone, and nothing is kept', async () => {
    const old = await writer.neighbour('old')
    const theirs = await keepPost(writer.tools, old.actor, { visibility: 'followers', uri: 'https://old.example/1' })
    await assert.rejects(answer(theirs), refused(/old@old\.example cannot be told anything alone/))
    await assert.rejects(answer(await told('direct'), 'with @old@old.example'), refused(/old@old\.example cannot be told/))
    const alone = await keepPost(writer.tools, writer.ann, { visibility: 'direct' })
    await assert.rejects(answer(alone), refused(/nobody whom an answer could reach/))
    assert.equal((await writer.tools.timelines.all({ limit: 9 }, writer.ann.id)).length, 1)
    assert.equal(old.endpoint.got.length, 0)
  })

  it('W38 is written in the form below the post, which says whom it reaches; an answer that cannot is told why', async () => {
    const ann = await owner()
    const parent = await told('direct')
    const page = await ann.get(`/posts/${parent.id}`)
    assert.match(page.text, /This goes to its author and to whom you mention, and to nobody else/)
    const submit = (text: string, replyTo: string) =>
      ann.post('/notes', { csrf: ann.csrf, as: 'ann', text, replyTo }, { origin: writer.hub.node.url })
    assert.equal((await submit('from the form', parent.uri)).status, 303)
    await writer.work()
    assert.deepEqual(
      (await bob.got()).map(({ to }) => to),
      [[bob.actor.uri]]
    )
    const old = await writer.neighbour('old')
    const theirs = await keepPost(writer.tools, old.actor, { visibility: 'direct', uri: 'https://old.example/2' })
    const answered = await submit('no way', theirs.uri)
    assert.deepEqual([answered.status, /old@old\.example cannot be told anything alone/.test(answered.text)], [403, true])
  })
})
