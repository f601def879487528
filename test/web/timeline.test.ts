import assert from 'node:assert/strict'
import type { Account, Actor } from '../../src/model/kept.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

const AVATAR = 'https://cdn.example/bob.png'
const RIVER = { url: 'https://cdn.example/river.jpg', type: 'image/jpeg', title: 'A river, seen from a "bridge"' }

describe('the timeline', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  let stranger: Visitor
  let alice: Account
  let bob: Actor
  beforeEach(async () => {
    node = await startNode({ accounts: ['alice'], work: false })
    owner = await signIn(node)
    stranger = visitor(node)
    alice = await accountOf(node.tools, 'alice')
    bob = await meet(node.tools, 'bob', {
      profile: { ids: [], kind: 'person', username: 'bob', displayName: 'Bob', avatar: { url: AVATAR } }
    })
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
  })
  afterEach(() => node?.close())

  const imagesOf = (text: string) => [...text.matchAll(/<img [^>]*>/g)].map(([tag]) => tag)

  it('W36 X25 shows pictures of other people from here alone, with what is to be seen on them and room for them', async () => {
    const svg = { url: 'https://cdn.example/x.svg', type: 'image/svg+xml', title: 'A drawing' }
    await keepPost(node.tools, bob, { enclosures: [RIVER, { url: 'https://cdn.example/plain.PNG' }, svg] })
    const images = imagesOf((await owner.get('/')).text)
    assert.equal(images.length, 3)
    for (const image of images) {
      assert.match(image, / src="\/media\/\w{17}"/)
      assert.match(image, / width="\d+" height="\d+" loading="lazy"/)
    }
    assert.match(images[1]!, / alt="A river, seen from a &quot;bridge&quot;"/)
    assert.match(images[2]!, / alt="Picture without a description"/)
    const { text } = await owner.get('/')
    assert.doesNotMatch(text, /src="https?:/)
    assert.match(text, /<a [^>]*href="https:\/\/cdn\.example\/x\.svg"><bdi>A drawing<\/bdi>/)
  })

  it('W36 shows no picture to anybody when the owner does not want any, until that is taken back', async () => {
    await node.tools.settings.keep('origin', node.tools.addresses.origin)
    const post = await keepPost(node.tools, bob, { enclosures: [RIVER] })
    const own = await keepPost(node.tools, alice, { enclosures: [RIVER] })
    const paths = ['/', `/posts/${post.id}`, `/people/${bob.id}`, `/search?q=${encodeURIComponent(post.uri)}`]
    for (const wanted of [false, true]) {
      await node.tools.settings.keep('pictures', wanted)
      await until('the setting to be heard of', async () => imagesOf((await owner.get('/')).text).length > 0 === wanted)
      for (const path of paths) assert.equal(imagesOf((await owner.get(path)).text).length > 0, wanted, path)
      assert.equal(imagesOf((await stranger.get(`/users/alice/posts/${own.id}`)).text).length > 0, wanted)
    }
  })

  it('W36 folds pictures that are not for everybody’s eyes, and whatever its author warns of', async () => {
    await keepPost(node.tools, bob, { enclosures: [RIVER], sensitive: true })
    assert.match(
      (await owner.get('/')).text,
      /<details class="warning"><summary>A picture that is not [^<]*<\/summary>[\s\S]*?<img class="u-photo"/
    )
    await keepPost(node.tools, bob, { enclosures: [RIVER], sensitive: true, warning: 'Water' })
    assert.match((await owner.get('/')).text, /<summary dir="auto">Water<\/summary>[\s\S]*?<img class="u-photo"[\s\S]*?<\/details>/)
  })

  it('tells by which network each post came, and nothing of the kind of our own', async () => {
    const networks = async () => [...(await owner.get('/')).text.matchAll(/class="via">([^<]*)</g)].map(([, name]) => name)
    const inbox = { inboxUrl: 'https://a.example/inbox', signingKeys: [], alsoKnownAs: [] }
    const people = [
      await meet(node.tools, 'feed'),
      await meet(node.tools, 'salmon', { salmonUrl: 'https://a.example/salmon' }),
      await meet(node.tools, 'actor', { activityPub: inbox, salmonUrl: 'https://a.example/salmon' }),
      alice
    ]
    for (const person of people) {
      if (person !== alice) await node.tools.follows.add({ followerId: alice.id, followedId: person.id, via: 'feed' }, new Date())
      await keepPost(node.tools, person)
    }
    assert.deepEqual(await networks(), ['ActivityPub', 'OStatus', 'Feed'])
  })

  it('gives the owner buttons at each post, and nobody else any', async () => {
    const post = await keepPost(node.tools, bob)
    const own = await keepPost(node.tools, alice)
    const { text } = await owner.get('/?before=9999999999999_zzzzzzzzzzzzzzzzz'.replaceAll('z', '0'))
    for (const { id } of [post, own]) assert.match(text, new RegExp(`name="post" value="${id}"`))
    assert.match(text, new RegExp(`data-key="r" href="/posts/${post.id}#text">Reply<`))
    assert.match(text, new RegExp(`href="/users/alice/posts/${own.id}/delete">Delete<`))
    assert.doesNotMatch(text, new RegExp(`/posts/${post.id}/delete`))
    assert.doesNotMatch((await stranger.get('/')).text, /action="\/acts"|class="act"(?! type)/)
    await owner.post('/acts', { csrf: owner.csrf, post: post.id, verb: 'favourite' })
    assert.match((await owner.get('/')).text, /name="undo" value="favourite" aria-pressed="true"/)
  })

  it('costs as many queries for a page of posts as for one', async () => {
    const count = async () => {
      const queries: string[] = []
      const listen = ({ sql }: { sql: string }) => queries.push(sql)
      node.database.database.knex.on('query', listen)
      await owner.get('/')
      node.database.database.knex.off('query', listen)
      return queries
    }
    await keepPost(node.tools, bob, { enclosures: [RIVER] })
    await count()
    const one = await count()
    for (let n = 0; n < 19; n++) {
      const person = await meet(node.tools, `n${n}`, {
        profile: { ids: [], kind: 'person', avatar: { url: `https://cdn.example/${n}.png` } }
      })
      await node.tools.follows.add({ followerId: alice.id, followedId: person.id, via: 'feed' }, new Date())
      await keepPost(node.tools, person, { enclosures: [{ url: `https://cdn.example/p${n}.png`, type: 'image/png' }] })
    }
    await count()
    assert.equal((await count()).length, one.length)
  })

  it('shows the beginning of a long post, and all of it on its own page', async () => {
    const html = `<p>begin</p>${'<p>and <em>more and more</em> of it</p>'.repeat(300)}<p>the end</p>`
    const post = await keepPost(node.tools, bob, { html })
    const list = (await owner.get('/')).text
    assert.match(
      list,
      new RegExp(`<div class="p-summary" dir="auto"><p>begin</p>[\\s\\S]*</p></div>\\s*<p><a href="/posts/${post.id}">Read on</a>`)
    )
    assert.ok(!list.includes('the end'))
    assert.equal(list.split('<em>').length, list.split('</em>').length)
    assert.match((await owner.get(`/posts/${post.id}`)).text, /<div class="e-content" dir="auto"><p>begin<\/p>[\s\S]*the end/)
  })

  it('draws a line above what was seen before, where there is something new', async () => {
    const [old, fresh] = [await keepPost(node.tools, bob), await keepPost(node.tools, bob)]
    const seen = ({ id, sortedAt }: typeof old) => `/?seen=${sortedAt.getTime()}_${id}`
    assert.match((await owner.get(seen(old))).text, new RegExp(`id="p${fresh.id}"[\\s\\S]*class="seen"[\\s\\S]*id="p${old.id}"`))
    for (const path of [seen(fresh), '/']) assert.doesNotMatch((await owner.get(path)).text, /class="seen"/)
    assert.equal((await owner.get('/?seen=x')).status, 400)
  })

  it('S2b speaks German to who reads it, and dates are times in both', async () => {
    await keepPost(node.tools, bob, { visibility: 'followers' })
    const { text } = await owner.get('/', { 'accept-language': 'de' })
    assert.match(text, /<html lang="de">[\s\S]*Antworten<[\s\S]*Favorisieren</)
    assert.match(text, /nur für Follower/)
    assert.match(text, /<time class="dt-published" datetime="[^"]+" title="[^"]+ UTC">\d\d\.\d\d\.\d{4}, \d\d:\d\d UTC<\/time>/)
  })
})
