/** What the owner is told on every page: a Mastodon server that refuses our token, while toots wait. */
import { findConnection } from '../federation/mastodon.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import type { Notice } from './shown.ts'

type Revoked = { account: Account; host: string }

/** Of this process, kept until something is told of connections: pages are many, and a token is refused once in years. */
const memories = new WeakMap<Tools['http'], () => Promise<Revoked[]>>()

export async function findNotices(tools: Tools): Promise<Notice[]> {
  const revoked = await memoryOf(tools)()
  return Promise.all(revoked.map(one => noticeOf(tools, one)))
}

async function noticeOf({ toots }: Tools, { account, host }: Revoked): Promise<Notice> {
  const { wanted = 0 } = await toots.counts(account.id)
  return { text: 'connect.notice', values: { host, count: wanted }, path: '/settings/mastodon', act: 'connect.again' }
}

function memoryOf(tools: Tools): () => Promise<Revoked[]> {
  const known = memories.get(tools.http)
  if (known !== undefined) return known
  let loaded: Promise<Revoked[]> | undefined
  const forget = () => {
    loaded = undefined
  }
  tools.onChange(told => {
    if (told === '*' || told === 'accounts' || told.startsWith('connection:')) forget()
  })
  const recall = () => {
    loaded ??= findRevoked(tools).catch(error => {
      forget()
      throw error
    })
    return loaded
  }
  memories.set(tools.http, recall)
  return recall
}

async function findRevoked(tools: Tools): Promise<Revoked[]> {
  const revoked: Revoked[] = []
  for (const account of await tools.actors.accounts()) {
    const connection = await findConnection(tools, account.id)
    if (connection?.state === 'revoked') revoked.push({ account, host: new URL(connection.host).host })
  }
  return revoked
}
