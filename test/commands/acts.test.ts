import assert from 'node:assert/strict'
import type { KeptPost } from '../../src/model/kept.ts'
import { type Typed, type } from '../support/commands.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

describe('the commands that act on a post', () => {
  let writer: Writer
  let bob: Neighbour
  let post: KeptPost
  before(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
    post = await bob.post()
  })
  after(() => writer?.close())

  const typed = (line: string | string[]): Promise<Typed> => type(writer.tools, line)
  const verbs = async () => {
    await writer.work()
    return bob.slaps().map(({ activity }) => activity.verb)
  }

  it('reply answers by URI or page, and shows the post', async () => {
    const { json } = await typed(['reply', post.url!, '--text', 'Yes & no', '--as', 'ann', '--json'])
    assert.deepEqual([json[0]!.in_reply_to, json[0]!.author], [post.uri, writer.ann.uri])
    assert.deepEqual(await verbs(), ['post'])
    const { code, complaints } = await typed(['reply', post.uri, '--as', 'ann'])
    assert.deepEqual([code, complaints[0]], [2, 'An answer needs its text: --text TEXT.'])
  })

  it('favourite and share say whether they stood already, and send once', async () => {
    for (const already of [false, true]) {
      assert.deepEqual((await typed(['favourite', post.uri, '--as', 'ann', '--json'])).json, [{ favourite: post.uri, already }])
      assert.deepEqual((await typed(['share', post.uri, '--as', 'ann', '--json'])).json, [{ share: post.uri, already }])
    }
    assert.deepEqual((await typed(['share', post.uri, '--as', 'ann'])).printed, [`ann shares ${post.uri} already.`])
    assert.deepEqual((await verbs()).sort(), ['favourite', 'post', 'share'])
  })

  it('undo takes both back, and fails when there is nothing', async () => {
    assert.deepEqual((await typed(['undo', post.uri, '--as', 'ann', '--json'])).json, [{ undone: ['favourite', 'share'], post: post.uri }])
    const { code, complaints } = await typed(['undo', post.uri, '--as', 'ann'])
    assert.deepEqual([code, complaints], [1, ['ann has not favoured or shared this post.']])
  })

  it('delete ends a reply, and tells whom it answered', async () => {
    const { json } = await typed(['reply', post.uri, '--text', 'soon gone', '--as', 'ann', '--json'])
    await verbs()
    await typed(['delete', String(json[0]!.id), '--as', 'ann'])
    assert.equal((await verbs()).at(-1), 'delete')
    assert.equal(bob.slaps().at(-1)!.activity.id, json[0]!.id)
  })

  it('refuse what is not known here', async () => {
    for (const words of ['reply', 'favourite', 'share', 'undo']) {
      const { code, complaints } = await typed([words, 'urn:unknown', '--as', 'ann', ...(words === 'reply' ? ['--text', 'x'] : [])])
      assert.deepEqual([code, complaints], [1, ['This post is not known here.']])
    }
    assert.equal((await typed(['favourite', post.uri, '--as', 'nobody'])).code, 1)
  })

  it('followers shows by what each follows', async () => {
    await writer.tools.follows.add({ followerId: bob.actor.id, followedId: writer.ann.id, via: 'salmon' }, writer.tools.clock())
    assert.match((await typed('followers ann')).printed[0]!, /^bob@bob\.example .*salmon {2}/)
    await writer.hub.subscribe(writer.hub.subscriber('https://bob.example/push/1'))
    const shown = await typed('followers ann --json')
    assert.deepEqual([shown.json[0]!.via, shown.progress], [['salmon', 'hub'], ['1 subscriber at our hub']])
    assert.match((await typed('followers ann')).printed[0]!, / {2}salmon, hub {2}/)
    assert.equal((await typed('followers')).code, 1)
  })
})
