import assert from 'node:assert/strict'
import type { Actor, KeptPost } from '../../src/model/kept.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

describe('who sees which post', () => {
  const visibilities = ['public', 'unlisted', 'followers', 'direct'] as const
  type Where = { node: TestNode; posts: Map<string, KeptPost>; bob: Actor }
  const made: TestNode[] = []

  const prepare = async (env: Record<string, string>): Promise<Where> => {
    const node = await startNode({ env, accounts: ['alice'], work: false })
    made.push(node)
    const alice = await accountOf(node.tools, 'alice')
    const bob = await meet(node.tools, 'bob')
    await node.tools.follows.add({ followerId: alice.id, followedId: bob.id, via: 'feed' }, new Date())
    const posts = new Map<string, KeptPost>()
    for (const visibility of visibilities) {
      for (const [who, author] of Object.entries({ local: alice, remote: bob })) {
        const word = `${who}${visibility}`
        posts.set(word, await keepPost(node.tools, author, { visibility, html: `<p>${word}</p>` }))
      }
    }
    return { node, posts, bob }
  }
  after(() => Promise.all(made.map(node => node.close())))

  /** The posts that a page shows, of those whose text is their name. */
  const shownOn = ({ text }: Answer) => [...text.matchAll(/<p>((?:local|remote)\w+)<\/p>/g)].map(([, word]) => word!).sort()
  const everything = visibilities.flatMap(visibility => [`local${visibility}`, `remote${visibility}`]).sort()

  const look = async ({ posts, bob }: Where, who: Visitor) => ({
    timeline: shownOn(await who.get('/')),
    profile: shownOn(await who.get('/users/alice')),
    person: shownOn(await who.get(`/people/${bob.id}`)),
    search: (await Promise.all(everything.map(async word => shownOn(await who.get(`/search?q=${word}`))))).flat(),
    byAddress: (
      await Promise.all([...posts.values()].map(async post => shownOn(await who.get(`/search?q=${encodeURIComponent(post.uri)}`))))
    )
      .flat()
      .sort(),
    interaction: (
      await Promise.all(
        [...posts.values()].map(async post => shownOn(await who.get(`/authorize_interaction?uri=${encodeURIComponent(post.uri)}`)))
      )
    )
      .flat()
      .sort(),
    pages: (
      await Promise.all(
        [...posts].map(async ([word, post]) =>
          shownOn(await who.get(word.startsWith('local') ? `/users/alice/posts/${post.id}` : `/posts/${post.id}`))
        )
      )
    )
      .flat()
      .sort()
  })

  it('X43 a stranger sees what is public of our accounts', async () => {
    const where = await prepare({})
    const open = ['localpublic', 'localunlisted']
    assert.deepEqual(await look(where, visitor(where.node)), {
      ...{ timeline: ['localpublic'], profile: open, person: [], search: ['localpublic'] },
      ...{ byAddress: open, interaction: open, pages: open }
    })
  })

  it('X43 with OPEN_SEARCH a stranger sees what is public of everybody', async () => {
    const where = await prepare({ OPEN_SEARCH: 'on' })
    const open = ['localpublic', 'localunlisted', 'remotepublic', 'remoteunlisted']
    assert.deepEqual(await look(where, visitor(where.node)), {
      ...{
        timeline: ['localpublic', 'remotepublic'],
        profile: ['localpublic', 'localunlisted'],
        person: ['remotepublic', 'remoteunlisted']
      },
      ...{ search: open, byAddress: open, interaction: open, pages: open }
    })
  })

  it('X43 the owner sees everything', async () => {
    const where = await prepare({})
    const of = (who: string) => everything.filter(word => word.startsWith(who))
    assert.deepEqual(await look(where, await signIn(where.node)), {
      ...{ timeline: everything, profile: of('local'), person: of('remote'), search: everything },
      ...{ byAddress: everything, interaction: everything, pages: everything }
    })
  })

  it('X43 a public share does not carry a post for followers to everybody', async () => {
    const { node, posts } = await prepare({ OPEN_SEARCH: 'on' })
    const secret = posts.get('remotefollowers')!
    const alice = await accountOf(node.tools, 'alice')
    const share = await keepPost(node.tools, alice, { verb: 'share', sharedId: secret.id, html: '<p>remotefollowers</p>' })
    assert.deepEqual(shownOn(await visitor(node).get(`/users/alice/posts/${share.id}`)), [])
    assert.deepEqual(shownOn(await (await signIn(node)).get(`/users/alice/posts/${share.id}`)), ['remotefollowers'])
  })
})
