/** People and posts put into a node's history directly, as if they had been received. */
import { newId } from '../../src/model/ids.ts'
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import { htmlToText } from '../../src/protocol/sanitize.ts'
import type { ActorFacts, NewPost, Tools } from '../../src/tools.ts'

let count = 0

/** Somebody at a.example. */
export function meet(tools: Tools, name: string, facts: Partial<ActorFacts> = {}): Promise<Actor> {
  const uri = `https://a.example/${name}`
  const profile = { ids: [uri], kind: 'person' as const, username: name, url: uri }
  return tools.actors.keep({ uri, acct: `${name}@a.example`, feedUrl: `${uri}.atom`, profile, ...facts }, tools.clock())
}

/** A post of somebody, kept as given: nothing of it is cleaned. */
export async function keepPost(tools: Tools, author: Actor, post: Partial<NewPost> = {}): Promise<KeptPost> {
  const at = post.publishedAt ?? new Date(tools.clock().getTime() + ++count)
  const id = newId(at.getTime())
  const uri = author.localName === undefined ? `https://a.example/posts/${id}` : tools.addresses.post(author.localName, id)
  const html = post.html ?? `<p>post ${count}</p>`
  const whole: NewPost = {
    ...{ id, uri, url: uri, authorId: author.id, verb: 'post', kind: 'note', html, text: htmlToText(html), publishedAt: at, sortedAt: at },
    ...{ mentions: [], tags: [], enclosures: [], visibility: 'public', sensitive: false, rightful: true },
    ...post
  }
  const kept = await tools.transaction(stores => stores.history.keep(whole, at))
  if (kept.outcome === 'stolen') throw new Error('the post belongs to somebody else')
  return kept.post
}

/** An account that was made before. */
export async function accountOf(tools: Tools, name: string): Promise<Account> {
  const account = await tools.actors.findAccount(name)
  if (account === undefined) throw new Error(`there is no account ${name}`)
  return account
}
