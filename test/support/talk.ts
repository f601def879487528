/** A blog post with a toot, and people who answer it from everywhere: put into the stores as if it had been received. */
import type { Answer, Person, Toot } from '../../src/model/blog.ts'
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import type { ActorFacts, NewPost } from '../../src/tools.ts'
import { makeInternet, type PageOf } from './internet.ts'
import { startNode, type TestNode } from './node.ts'
import { accountOf, keepPost, meet } from './residents.ts'

export type Talk = Awaited<ReturnType<typeof startTalk>>

export const PAGE = 'https://blog.example/2026/hello/'
const START = Date.parse('2026-03-01T12:00:00Z')

/** @param pages the rest of the internet */
export async function startTalk(env: Record<string, string> = {}, pages: Record<string, PageOf> = {}) {
  const internet = makeInternet(pages, { listed: ['127.0.0.1:4000'] })
  let now = START
  const http = { ...internet.http, isListed: async (url: string) => new URL(url).host === '127.0.0.1:4000' }
  const overrides = { http, clock: () => new Date(now), random: () => 0.5 }
  const node: TestNode = await startNode({
    env: { BLOG_URL: 'https://blog.example/', ...env },
    accounts: ['alice'],
    work: false,
    overrides
  })
  const { tools } = node
  const alice: Account = await accountOf(tools, 'alice')
  await tools.blogs.keep(alice.id, 'https://blog.example/', tools.clock())
  let count = 0

  /** A post of the blog; `toot`: what stands in its toot's row, none for `undefined`. */
  async function blogPost(url: string, toot?: Partial<Toot>, more: Partial<NewPost> = {}): Promise<KeptPost> {
    const post = await keepPost(tools, alice, { kind: 'article', title: 'Hello', publishedAt: new Date(START), url, ...more })
    const key = pageKey(url)
    await tools.blogs.addPages(alice.id, key, [])
    const seen = { seenAt: tools.clock(), source: 'feed' as const, news: true }
    await tools.blogs.addEntry({ key, accountId: alice.id, url, postId: post.id, ...seen })
    if (toot !== undefined) {
      await tools.toots.want([{ key, url, accountId: alice.id, dueAt: tools.clock() }], tools.clock())
      const place = { host: 'https://masto.example', username: 'alice', tootId: '110000000000000001' }
      const made = {
        state: 'posted' as const,
        dueAt: null,
        tootedAt: new Date(START),
        tootUrl: 'https://masto.example/@alice/110000000000000001'
      }
      await tools.toots.change(key, { ...place, ...made, ...toot })
    }
    return post
  }

  const personOf = (name: string, host = 'masto.example'): Person => ({
    ...{ handle: `${name}@${host}`, name, uri: `https://${host}/users/${name}`, url: `https://${host}/@${name}` }
  })
  const answerOf = (name: string, more: Partial<Answer> = {}): Answer => {
    const id = String(110000000000000100 + ++count * 1000)
    const person = more.person ?? personOf(name)
    const at = { uri: `${person.uri}/statuses/${id}`, url: `${person.url}/${id}` }
    return {
      id,
      ...at,
      person,
      html: `<p>${name} says ${count}</p>`,
      published: new Date(START + count * 1000),
      visibility: 'public',
      ...more
    }
  }
  /** What the server of the toot tells, all of it. */
  const keepAnswers = (answers: Answer[], url = PAGE) => tools.transaction(({ answers: store }) => store.keep(pageKey(url), answers))
  const reply = (author: Actor, parent: KeptPost, more: Partial<NewPost> = {}): Promise<KeptPost> => {
    const at = new Date(START + ++count * 1000)
    const about = { inReplyTo: parent.uri, parentId: parent.id }
    return keepPost(tools, author, {
      ...about,
      html: `<p>${author.username} says ${count}</p>`,
      publishedAt: at,
      updatedAt: at,
      kind: 'comment',
      ...more
    })
  }
  const follow = (actor: Actor) => tools.follows.add({ followerId: alice.id, followedId: actor.id, via: 'feed' }, tools.clock())
  const friend = async (name: string, facts: Partial<ActorFacts> = {}) => {
    const actor = await meet(tools, name, facts)
    await follow(actor)
    return actor
  }

  const post = await blogPost(PAGE, {})
  return {
    ...{ node, tools, internet, alice, post, blogPost, personOf, answerOf, keepAnswers, reply, follow, friend },
    meet: (name: string, facts: Partial<ActorFacts> = {}) => meet(tools, name, facts),
    /** Time goes on. */
    pass: (milliseconds: number) => {
      now += milliseconds
    },
    toot: async () => (await tools.toots.find(pageKey(PAGE)))!,
    close: () => node.close()
  }
}

/** The words that a text holds, in order: what is said in tests is `NAME says N`. */
export const saidIn = (text: string): string[] => [...text.matchAll(/(\w+) says \d+/g)].map(([, name]) => name!)
