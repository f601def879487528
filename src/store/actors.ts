import type { Author, Picture, ProfileField, TraceStep } from '../model/activity.ts'
import { newId } from '../model/ids.ts'
import type { Account, Actor, SigningKey } from '../model/kept.ts'
import { type Db, fromRow, toRow } from './rows.ts'
import type { Vault } from './vault.ts'

export type Actors = ReturnType<typeof makeActors>

/** What discovery and their own feed say of an actor. */
export type ActorFacts = {
  uri: string
  acct?: string
  /** Further names that were confirmed: they all find the actor afterwards. */
  names?: string[]
  profile?: Author
  feedUrl?: string
  salmonUrl?: string
  keys?: string[]
  trusted?: boolean
  trace?: TraceStep[]
  /** What an ActivityPub document tells: whoever has one speaks it from now on. */
  activityPub?: {
    inboxUrl: string
    sharedInboxUrl?: string
    followersUrl?: string
    outboxUrl?: string
    signingKeys: SigningKey[]
    movedTo?: string
    alsoKnownAs: string[]
    indexable?: boolean
    fields?: ProfileField[]
  }
}

/** By what an account is found: its name here, its handle and its addresses. */
export type AccountNames = { uri: string; acct: string; localName: string; feedUrl: string; salmonUrl: string }

const COLUMNS = [
  ...['id', 'uri', 'acct', 'local_name', 'kind', 'username', 'display_name', 'bio', 'url', 'avatar', 'location', 'homepage'],
  ...[
    'feed_url',
    'salmon_url',
    'keys',
    'keys_at',
    'keys_asked_at',
    'magic_key',
    'trusted',
    'trace',
    'created_at',
    'updated_at',
    'removed_at',
    'blocked_at'
  ],
  ...['speaks', 'inbox_url', 'shared_inbox_url', 'followers_url', 'outbox_url', 'signing_keys', 'document_at', 'moved_to'],
  ...['also_known_as', 'indexable', 'fields']
]

/** The columns of an actor under a table alias, each named `prefix_column`: for joins. */
export const actorColumns = (alias: string, prefix: string): string[] =>
  COLUMNS.filter(column => column !== 'trace' && column !== 'fields').map(column => `${alias}.${column} as ${prefix}${column}`)

const FIND_BY_NAMES = `
  select ${actorColumns('a', '')}, n.name, array(select o.name from actor_names o where o.actor_id = a.id) as names
  from actor_names n join actors a on a.id = n.actor_id where n.name = any(?)`
type Named = { name: string; names: string[] }

/** A document replaces the one before it as a whole. */
const activityPubRow = (told: ActorFacts['activityPub'], now: Date) =>
  told === undefined
    ? {}
    : {
        ...{ speaks: 'activitypub', inbox_url: told.inboxUrl, shared_inbox_url: told.sharedInboxUrl ?? null },
        ...{ followers_url: told.followersUrl ?? null, outbox_url: told.outboxUrl ?? null, document_at: now },
        ...{ signing_keys: JSON.stringify(told.signingKeys), moved_to: told.movedTo ?? null, also_known_as: told.alsoKnownAs },
        ...{ indexable: told.indexable ?? null, fields: told.fields === undefined ? null : JSON.stringify(told.fields) }
      }

/** Everyone seen; the local ones with their keys. */
export function makeActors(db: Db, vault: Vault) {
  const first = async (query: Promise<unknown[]>): Promise<Actor | undefined> => {
    const [row] = (await query) as Record<string, unknown>[]
    return row && fromRow<Actor>(row)
  }
  const profileRow = (profile: Author | undefined) =>
    profile === undefined
      ? {}
      : {
          ...{ kind: profile.kind, username: profile.username ?? null, display_name: profile.displayName ?? null },
          ...{ bio: profile.bio ?? null, url: profile.url ?? null, location: profile.location ?? null },
          ...{ homepage: profile.homepage ?? null, avatar: profile.avatar ? JSON.stringify(profile.avatar) : null }
        }
  return {
    find: (id: string) => first(db('actors').select(COLUMNS).where({ id })),
    findByUri: (uri: string) => first(db('actors').select(COLUMNS).where({ uri })),
    /** By any confirmed name: a URI, a profile page, `acct:user@host`. */
    findByName: (name: string) => first(db('actors').select(COLUMNS).where('id', db('actor_names').select('actor_id').where({ name }))),
    /** Several by any of their confirmed names at once, each under the name that was asked for, with all names that they have. */
    async findByNames(asked: string[]): Promise<Map<string, { actor: Actor; names: string[] }>> {
      const { rows } = await db.raw(FIND_BY_NAMES, [asked])
      return new Map(rows.map(({ name, names, ...row }: Named) => [name, { actor: fromRow<Actor>(row), names }]))
    },
    /** Who bears these names, for whoever needs to know no more than that, and whether the owner blocked them. */
    async findStandings(names: string[]): Promise<Map<string, Pick<Actor, 'id' | 'blockedAt'>>> {
      const rows = await db('actor_names as n')
        .join('actors as a', 'a.id', 'n.actor_id')
        .whereRaw('n.name = any(?)', [names])
        .select('n.name', 'a.id', 'a.blocked_at')
      return new Map(rows.map(({ name, ...row }) => [name, fromRow<Pick<Actor, 'id' | 'blockedAt'>>(row)]))
    },
    /** The ids of those who may be meant by a short name: how they are called here, at home, or by themselves. */
    async findCalled(name: string, limit: number): Promise<string[]> {
      const called = name.toLowerCase()
      const rows = await db('actors')
        .select('id')
        .where(any =>
          any.where({ acct: called }).orWhereRaw('lower(username) = ?', [called]).orWhereRaw('lower(display_name) = ?', [called])
        )
        .whereNull('removed_at')
        .limit(limit)
      return rows.map(row => row.id)
    },
    async findAccounts(localNames: string[]): Promise<Map<string, Account>> {
      const rows = await db('actors').select(COLUMNS).whereRaw('local_name = any(?)', [localNames]).whereNull('removed_at')
      return new Map(rows.map(row => [row.local_name, fromRow<Account>(row)]))
    },
    findAccount: async (localName: string) =>
      (await first(db('actors').select(COLUMNS).where({ local_name: localName }).whereNull('removed_at'))) as Account | undefined,
    /** All accounts, by name; removed ones too when asked. */
    async accounts(): Promise<Account[]> {
      const rows = await db('actors').select(COLUMNS).whereNotNull('local_name').whereNull('removed_at').orderBy('local_name')
      return rows.map(row => fromRow<Account>(row))
    },
    async findMany(ids: string[]): Promise<Map<string, Actor>> {
      const rows = await db('actors').select(COLUMNS).whereIn('id', ids)
      return new Map(rows.map(row => [row.id, fromRow<Actor>(row)]))
    },

    /**
     * Keeps what is known of an actor under its URI; what is not told stays. Two at once make one row, and a handle names one of two.
     * Must run inside a transaction.
     */
    async keep(facts: ActorFacts, now: Date): Promise<Actor> {
      // one after the other for a handle: `on conflict` sees to the URI alone, and the handle must be one's own as well
      if (facts.acct !== undefined) await db.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [`acct:${facts.acct}`])
      const known = {
        ...{ uri: facts.uri, acct: facts.acct, feed_url: facts.feedUrl, salmon_url: facts.salmonUrl, trusted: facts.trusted },
        ...{ keys: facts.keys && JSON.stringify(facts.keys), keys_at: facts.keys && now },
        ...{ trace: facts.trace && JSON.stringify(facts.trace), ...profileRow(facts.profile), ...activityPubRow(facts.activityPub, now) }
      }
      const change = { ...toRow(known), updated_at: now }
      if (facts.acct !== undefined)
        await db('actors').update({ acct: null }).where({ acct: facts.acct }).whereNot({ uri: facts.uri }).whereNull('local_name')
      const [row] = await db('actors')
        .insert({ ...change, id: newId(now.getTime()), created_at: now })
        .onConflict('uri')
        .merge(change)
        .returning(COLUMNS)
      const actor = fromRow<Actor>(row)
      if (facts.acct !== undefined)
        await db('actor_names')
          .where({ name: `acct:${facts.acct}` })
          .whereNot({ actor_id: actor.id })
          .delete()
      await this.addNames(actor.id, [facts.uri, ...(facts.acct === undefined ? [] : [`acct:${facts.acct}`]), ...(facts.names ?? [])])
      return actor
    },
    /** Names that find the actor from now on. One that already names another stays with that one (D9), but a handle is its host's to give. */
    async addNames(actorId: string, names: string[]): Promise<void> {
      const rows = [...new Set(names)].map(name => ({ name, actor_id: actorId }))
      if (rows.length > 0) await db('actor_names').insert(rows).onConflict('name').ignore()
    },
    /** Takes a profile out of a signed message, unless one that is as new was taken before: so the order of arrival does not matter (X7). */
    async refresh(id: string, profile: Author, at: Date): Promise<void> {
      await db('actors')
        .where({ id })
        .whereNull('local_name')
        .where(older => older.whereNull('profile_at').orWhere('profile_at', '<', at))
        .update({ ...profileRow(profile), profile_at: at })
    },
    /** Whether the keys of somebody may be asked for once more now; if so, not again within the pause (milliseconds). */
    async claimKeys(id: string, now: Date, pause: number): Promise<boolean> {
      const before = new Date(now.getTime() - pause)
      const due = db('actors')
        .where({ id })
        .where(last => last.whereNull('keys_asked_at').orWhere('keys_asked_at', '<=', before))
      return (await due.update({ keys_asked_at: now })) > 0
    },
    /** They were asked for in vain: they may be asked for again at once. */
    async releaseKeys(id: string): Promise<void> {
      await db('actors').where({ id }).update({ keys_asked_at: null })
    },
    /** From now on nothing of somebody is heard, or with `undefined` again. */
    async block(id: string, at: Date | undefined): Promise<void> {
      await db('actors')
        .where({ id })
        .update({ blocked_at: at ?? null })
    },
    /** Makes an account. Answers undefined when the name is or was taken: names are not used twice. */
    async addAccount(
      account: AccountNames & { displayName?: string; bio?: string; homepage?: string; magicKey: string; privateKey: string },
      now: Date
    ): Promise<Account | undefined> {
      const row = toRow({
        ...account,
        username: account.localName,
        url: account.uri,
        privateKey: vault.seal(account.privateKey),
        keys: JSON.stringify([account.magicKey])
      })
      const [made] = await db('actors')
        .insert({ ...row, id: newId(now.getTime()), trusted: true, created_at: now, updated_at: now, keys_at: now })
        .onConflict()
        .ignore()
        .returning(COLUMNS)
      if (made === undefined) return undefined
      await this.addNames(made.id, [account.uri, `acct:${account.acct}`])
      return fromRow<Account>(made)
    },
    /** What the owner says of an account; what is not said stays. Answers whether that is something else than before. */
    async describe(
      id: string,
      told: { displayName?: string; bio?: string | null; homepage?: string; avatar?: Picture },
      now: Date
    ): Promise<boolean> {
      const change = toRow({ ...told, avatar: told.avatar && JSON.stringify(told.avatar) })
      const columns = Object.keys(change)
      if (columns.length === 0) return false
      const isOther = columns.map(column => `?? is distinct from ?::${column === 'avatar' ? 'jsonb' : 'text'}`).join(' or ')
      const row = db('actors')
        .where({ id })
        .whereRaw(`(${isOther})`, Object.entries(change).flat() as string[])
      return (await row.update({ ...change, updated_at: now })) > 0
    },
    /** Whether nobody can have heard of an account yet: it has written nothing, follows nobody, and has no follower, blog or toot. */
    async isUnheard(id: string): Promise<boolean> {
      const { rows } = await db.raw(
        `select 1 from actors a where a.id = ?
           and not exists (select from posts where author_id = a.id) and not exists (select from acts where actor_id = a.id)
           and not exists (select from follows where a.id in (follower_id, followed_id))
           and not exists (select from subscribers where topic = a.feed_url)
           and not exists (select from blogs where account_id = a.id) and not exists (select from toots where account_id = a.id)
           and not exists (select from connections where account_id = a.id)`,
        [id]
      )
      return rows.length > 0
    },
    /** Gives an account that nobody has heard of another name. Undefined when that is or was taken. */
    async rename(id: string, names: AccountNames, now: Date): Promise<Account | undefined> {
      if ((await db('actors').where({ local_name: names.localName }).first('id')) !== undefined) return undefined
      const row = toRow({ ...names, username: names.localName, url: names.uri })
      const [renamed] = await db('actors')
        .where({ id })
        .update({ ...row, updated_at: now })
        .returning(COLUMNS)
      await db('actor_names').where({ actor_id: id }).delete()
      await this.addNames(id, [names.uri, `acct:${names.acct}`])
      return fromRow<Account>(renamed)
    },
    async namesOf(actorId: string): Promise<string[]> {
      return (await db('actor_names').select('name').where({ actor_id: actorId })).map(row => row.name)
    },
    async removeAccount(localName: string, now: Date): Promise<boolean> {
      return (await db('actors').where({ local_name: localName }).whereNull('removed_at').update({ removed_at: now, updated_at: now })) > 0
    },
    /** The account's private key, PEM. */
    async privateKey(localName: string): Promise<string | undefined> {
      const row = await db('actors').select('private_key').where({ local_name: localName }).first()
      return row?.private_key ? vault.open(row.private_key) : undefined
    },
    /** Gives the accounts the handles of another host; the old ones still find them. Answers whether any is new. Must run inside a transaction. */
    async moveHandles(handleHost: string): Promise<boolean> {
      const handle = db.raw("local_name || '@' || ?::text", [handleHost])
      const local = db('actors').whereNotNull('local_name').whereNot('acct', handle)
      const names = (await local.clone().select({ handle })).map(row => row.handle)
      if (names.length === 0) return false
      await db('actors').whereNull('local_name').whereIn('acct', names).update({ acct: null })
      await local.update({ acct: handle })
      const named = names.map(name => `acct:${name}`)
      await db('actor_names').whereIn('name', named).delete()
      await db.raw(`insert into actor_names select 'acct:' || acct, id from actors where acct = any(?)`, [names])
      return true
    },
    /** Rewrites our own URIs from one origin to another: only while nothing has left the node (interface.md 1). */
    async moveOrigin(from: string, to: string, handleHost: string): Promise<void> {
      const local = () => db('actors').whereNotNull('local_name')
      await local().update(
        Object.fromEntries(
          ['uri', 'url', 'feed_url', 'salmon_url'].map(column => [column, db.raw('replace(??, ?, ?)', [column, from, to])])
        )
      )
      await local().update({ acct: db.raw("local_name || '@' || ?::text", [handleHost]) })
      await db('actor_names').whereIn('actor_id', local().select('id')).delete()
      await db.raw(`insert into actor_names select 'acct:' || acct, id from actors where local_name is not null`)
      await db.raw('insert into actor_names select uri, id from actors where local_name is not null on conflict do nothing')
    }
  }
}
