/** From a toot and a blog post to comments under it: people answer on Mastodon and by Salmon, the owner lets them in. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { favourite } from '../../src/federation/act.ts'
import { follow } from '../../src/federation/follow.ts'
import { publish, remove } from '../../src/federation/publish.ts'
import type { Account, KeptPost } from '../../src/model/kept.ts'
import { type } from '../support/commands.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { startTooting, type Tooting } from '../support/tooting.ts'

const PNG = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(50)])
const PATIENCE = 20_000

type Told = {
  counts: { replies: number; likes: number; shares: number }
  comments: {
    id: string
    html: string
    url: string
    author: { name: string; handle: string; avatar: string | null }
    in_reply_to: string | null
  }[]
  links: { post: string }
}

describe('a conversation', function () {
  this.timeout(60_000)
  let here: Tooting
  let there: TestNode
  let bob: Account
  let url: string
  let toot: string
  let answer: KeptPost

  before(async () => {
    here = await startTooting({ MODERATION: 'first' }, { work: true })
    there = await startNode({ accounts: ['bob'], onlyOStatus: true })
    bob = await findAccount(there.tools, 'bob')
    url = here.blog.put('/1/one', { title: 'One', meta: { 'og:title': 'One' } })
    toot = String((await here.ask(url)).json.toot_id)
  })
  after(async () => {
    await there?.close()
    await here?.close()
  })

  const read = async (): Promise<Told> => {
    // older than what the node remembers
    here.pass(6_000)
    const got = await fetch(`${here.node.url}/api/comments?${new URLSearchParams({ url })}`)
    assert.equal(got.status, 200)
    return (await got.json()) as Told
  }
  const becomes = (what: string, holds: (told: Told) => boolean) =>
    until(
      what,
      async () => {
        const told = await read()
        return holds(told) && told
      },
      PATIENCE
    )
  const waiting = async () => (await type(here.node.tools, 'moderation --json')).json

  it('W26 S1-17 answers on Mastodon wait, likes and boosts count at once, the private one is told to nobody', async () => {
    const { mastodon, blog } = here
    const picture = blog.put('/carol.png', response => void response.end(PNG))
    mastodon.account('carol@other.example', { avatar: picture, avatar_static: picture, display_name: '<b>Carol</b>' })
    mastodon.reply({ to: toot, as: 'carol@other.example', html: '<p>Well <script>alert(1)</script><b>said</b></p>' })
    mastodon.reply({ to: toot, as: 'dave', text: 'In private', visibility: 'direct' })
    mastodon.favourite(toot, 'dave')
    mastodon.boost(toot, 'erin@other.example')
    here.pass(61_000)
    const told = await becomes('the likes', ({ counts }) => counts.likes === 1)
    assert.deepEqual([told.counts, told.comments], [{ replies: 0, likes: 1, shares: 1 }, []])
    assert.deepEqual(
      (await waiting()).map(({ person, on }) => [person, on]),
      [['carol@other.example', url]]
    )
  })

  it('W25 an answer by Salmon waits beside it', async () => {
    const account = await findAccount(here.node.tools, 'blog')
    await follow(there.tools, account.uri, { as: bob })
    const { links } = await read()
    const post = await until('the post', () => there.tools.history.findByUri(links.post))
    answer = await publish(there.tools, bob, { text: 'From another node', replyTo: post.uri })
    await favourite(there.tools, bob, post.uri)
    await until('the answer', async () => (await waiting()).length === 2, PATIENCE)
    assert.equal((await becomes('the favourite', ({ counts }) => counts.likes === 2)).comments.length, 0)
  })

  it('W31 what is approved appears, in order, with a picture that comes from the node', async () => {
    for (const { id } of await waiting()) assert.equal((await type(here.node.tools, ['approve', String(id)])).code, 0)
    const { comments, counts } = await read()
    assert.deepEqual([counts.replies, comments.map(({ author }) => author.handle)], [2, ['carol@other.example', bob.acct]])
    assert.deepEqual([comments[0]!.html, comments[0]!.author.name], ['<p>Well <b>said</b></p>', '<b>Carol</b>'])
    assert.match(comments[1]!.html, /From another node/)
    const picture = await fetch(comments[0]!.author.avatar!)
    assert.deepEqual([picture.status, picture.headers.get('content-type')], [200, 'image/png'])
    const page = await (await fetch((await read()).links.post)).text()
    assert.match(page, /Well <b>said<\/b>[\s\S]*From another node/)
  })

  it('6.4 S3-26 S3-27 an edit and a delete follow; who looks makes the server be asked', async () => {
    const [{ id } = { id: '' }] = (await read()).comments
    here.mastodon.editReply(id.replace('m-', ''), { text: 'Better said' })
    here.pass(121_000)
    await becomes('the edit', ({ comments }) => comments[0]?.html.includes('Better said') ?? false)
    await remove(there.tools, bob, answer)
    await becomes('the end of the answer', ({ counts }) => counts.replies === 1)
    here.mastodon.deleteReply(id.replace('m-', ''))
    here.pass(121_000)
    await becomes('the end of the other', ({ counts }) => counts.replies === 0)
  })

  it('W33 a visitor is led to their own server by what it publishes', async () => {
    const ask = new URLSearchParams({ account: bob.acct, url })
    const got = (await (await fetch(`${here.node.url}/api/remote?${ask}`)).json()) as { url: string }
    assert.ok(got.url.startsWith(`${there.url}/authorize_interaction?uri=`), JSON.stringify(got))
  })
})
