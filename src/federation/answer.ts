/** To answer what came by ActivityPub: Accept to a follow, to its undoing (S3-22) and to whoever wants to quote (FEP-044f). */
import { createHash } from 'node:crypto'
import type { Account, Actor } from '../model/kept.ts'
import { type ActOut, type Written, writeAccept, writeReject } from '../protocol/activitystreams-writer.ts'
import { readJsonObject, typesOf } from '../protocol/json-ld.ts'
import type { Jobs, Stores, Tools } from '../tools.ts'
import { activityOut } from './activities.ts'
import { hostOfName } from './identity.ts'
import { grantQuote } from './quotes.ts'
import { tellInboxes } from './tell-inboxes.ts'

/** What is older is known, or would be shown as news (W4). */
const NEWS_MS = 14 * 24 * 60 * 60_000

/**
 * A job: says yes or no, each time that it was asked, since an answer may have been lost (W3). Those who asked to follow and have left
 * in the meantime are not answered; the first of a server gets the last posts as well, if they are to be sent.
 */
export async function answerActivity(tools: Tools, { account: name, activity, person: id, yes }: Jobs['inbox.answer']): Promise<void> {
  const { actors, clock, transaction } = tools
  const [account, person] = [await actors.findAccount(name), await actors.find(id)]
  if (account === undefined || person === undefined) return
  const question = readJsonObject(Buffer.from(activity))
  const kind = KINDS.find(({ type }) => typesOf(question).includes(type))
  if (kind === undefined) return
  const follows = kind.type === 'Follow' && yes
  const posts = follows ? await postsFor(tools, account, person) : []
  await transaction(async stores => {
    if (follows && (await stores.follows.find(person.id, account.id)) === undefined) return
    const now = clock()
    const granted = kind.type === 'QuoteRequest' && yes ? await grantQuote(stores, account, person, question, now) : undefined
    const accepted = yes && (kind.type !== 'QuoteRequest' || granted !== undefined)
    const hash = createHash('sha256').update(activity).digest('hex').slice(0, 16)
    const answer: ActOut = {
      id: `${account.uri}#${accepted ? 'accepts' : 'rejects'}/${kind.path}/${nameOf(person)}/${hash}`,
      ...{ actor: account.uri, object: JSON.parse(activity), to: [person.uri] }
    }
    const written = accepted ? { ...writeAccept(answer), ...(granted ? { result: granted } : {}) } : writeReject(answer)
    await send(stores, account, person, { written, key: `${answer.id} ${now.toISOString()}` }, now)
    await dropOlder(stores, account, person, kind, now)
    for (const post of posts) await send(stores, account, person, post, now)
  })
}

/** `most`: how many answers of a kind may wait for one person. */
type Kind = { type: string; path: string; most: number }

const KINDS: Kind[] = [
  { type: 'Follow', path: 'follows', most: 1 },
  { type: 'Undo', path: 'undos', most: 1 },
  { type: 'QuoteRequest', path: 'quotes', most: 20 }
]

/** Whoever asks again and again, and does not take the answers, makes no heap of them (X33). */
async function dropOlder({ recipients }: Stores, account: Account, person: Actor, { most, path }: Kind, now: Date): Promise<void> {
  if (person.inboxUrl === undefined) return
  for (const word of ['accepts', 'rejects']) {
    const key = `inbox ${account.uri}#${word}/${path}/${nameOf(person)}/`
    await recipients.keepNewest({ kind: 'inbox', url: person.inboxUrl, key, most }, now)
  }
}

/** S3-14: user@host, as ids of answers name whom they are for. */
const nameOf = ({ acct, uri, username }: Actor): string => acct ?? `${username ?? ''}@${hostOfName(uri)}`

type Answer = { written: Written; key: string }

async function send(stores: Stores, account: Account, person: Actor, { key, written }: Answer, now: Date): Promise<void> {
  await tellInboxes(stores, account, written, { people: [person], followers: false, key }, now)
}

/** The last posts, oldest first, for a server that has none of them yet: it may show them to others as well (W4). */
async function postsFor(tools: Tools, account: Account, person: Actor): Promise<Answer[]> {
  const { clock, config, follows, timelines } = tools
  const host = hostOfName(person.inboxUrl ?? person.uri)
  if (config.sendLastPosts === 0 || (await follows.hasOtherAt(account.id, person.id, host))) return []
  const last = await timelines.feed(account.id, undefined, config.sendLastPosts)
  const answers: Answer[] = []
  for (const post of last.filter(({ publishedAt }) => clock().getTime() - publishedAt.getTime() < NEWS_MS).reverse()) {
    const written = await activityOut(tools, post, 'post', [])
    if (written !== undefined) answers.push({ written, key: `first ${host} ${post.uri}` })
  }
  return answers
}
