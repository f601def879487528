import type { Knex } from 'knex'
import type { Account, Actor, KeptPost, Shown } from '../model/kept.ts'
import { actorColumns } from './actors.ts'
import { POST_COLUMNS } from './new-posts.ts'
import { makeNewest, type Page } from './newest.ts'
import { type Db, fromRow } from './rows.ts'
import { hostIn, isBlockedHost } from './verdicts.ts'

export type Timelines = ReturnType<typeof makeTimelines>

/** A chain of answers that is longer than this is cut: it was made to be. */
const HIGHEST = 5000

const postColumns = POST_COLUMNS.map(column => `p.${column}`)

/** Lists of posts with their authors, newest first. Nothing here changes anything. */
export function makeTimelines(db: Db) {
  const { alive: base, among, amongPeople, byPeople, ids, lookUp, whole } = makeNewest(db)
  const isPublic = (query: Knex.QueryBuilder) => query.where('p.visibility', 'public')
  const accounts = () => db('actors').select('id').whereNotNull('local_name').whereNull('removed_at')
  const withAuthors = async (query: Knex.QueryBuilder): Promise<Shown[]> => {
    const rows = await query.join('actors as a', 'a.id', 'p.author_id').select([...postColumns, ...actorColumns('a', 'author__')])
    return rows.map(split)
  }
  /** Many posts by few people: each author is read once. */
  const byIds = async (ids: string[]): Promise<Shown[]> => {
    const posts = (await db('posts as p').select(postColumns).whereRaw('p.id = any(?)', [ids])).map(row => fromRow<KeptPost>(row))
    const people = [...new Set(posts.map(({ authorId }) => authorId))]
    const rows = await db('actors as a').select(actorColumns('a', '')).whereRaw('a.id = any(?)', [people])
    const authors = new Map(rows.map(row => [row.id, fromRow<Actor>(row)]))
    return posts.map(post => ({ ...post, author: authors.get(post.authorId)! }))
  }
  const shown = async (query: Knex.QueryBuilder): Promise<Shown[]> => withOriginals(await withAuthors(query))
  /** The posts of these ids, newest first. */
  const shownByIds = async (ids: string[]): Promise<Shown[]> =>
    ids.length === 0 ? [] : shown(base({ limit: ids.length }).whereRaw('p.id = any(?)', [ids]))
  const withOriginals = async (posts: Shown[]): Promise<Shown[]> => {
    const ids = posts.flatMap(post => (post.sharedId === undefined ? [] : [post.sharedId]))
    if (ids.length === 0) return posts
    const originals = new Map(
      (await withAuthors(db('posts as p').whereIn('p.id', ids).whereNull('p.deleted_at'))).map(post => [post.id, post])
    )
    return posts.map(post => {
      const shared = post.sharedId === undefined ? undefined : originals.get(post.sharedId)
      return shared === undefined ? post : { ...post, shared }
    })
  }
  return {
    /** Whether any post that is kept is of a conversation. */
    knowsConversation: async (name: string) =>
      (await db('posts').where({ conversation: name }).whereNull('deleted_at').first('id')) !== undefined,
    /** Posts of everyone whom these accounts follow, theirs, and those that mention them; `direct`: also what is for those named in it alone. */
    async home(readers: Pick<Account, 'id' | 'uri'>[], page: Page, { direct = true } = {}): Promise<Shown[]> {
      const [mine, names] = [readers.map(({ id }) => id), readers.map(({ uri }) => uri)]
      const followed = () => db('follows').select('followed_id as id').whereIn('follower_id', mine)
      const allowed = (query: Knex.QueryBuilder) => (direct ? query : query.whereNot('p.visibility', 'direct'))
      const named = (query: Knex.QueryBuilder) => query.whereRaw('p.mentions && ?::text[]', [names])
      const isHome = (query: Knex.QueryBuilder) =>
        allowed(query).where(group => named(group.whereIn('p.author_id', mine).orWhereIn('p.author_id', followed()).or))
      const people = followed().union(db.select(db.raw('unnest(?::text[])', [mine])))
      const rest = [byPeople(people, page, allowed), lookUp(page, query => named(allowed(query)))]
      return shownByIds(await ids(page, among(page, isHome), rest))
    },
    /** Public posts of everyone whom any account of ours follows, and theirs (OPEN_SEARCH). */
    async everyone(page: Page): Promise<Shown[]> {
      const people = () => accounts().union(db('follows').select('followed_id').whereIn('follower_id', accounts()))
      const isTheirs = (query: Knex.QueryBuilder) => isPublic(query).whereIn('p.author_id', people())
      return shownByIds(await ids(page, among(page, isTheirs), [byPeople(people(), page, isPublic)]))
    },
    /** All posts of our own accounts. */
    own: async (page: Page): Promise<Shown[]> => shownByIds(await ids(page, byPeople(accounts(), page))),
    /** Public posts of our own accounts. */
    local: async (page: Page): Promise<Shown[]> => shownByIds(await ids(page, byPeople(accounts(), page, isPublic))),
    /** One person's posts; only public ones unless `all`. */
    by: (actorId: string, page: Page, all: boolean) =>
      shown(
        all
          ? base(page).where('p.author_id', actorId)
          : base(page).where('p.author_id', actorId).whereIn('p.visibility', ['public', 'unlisted'])
      ),
    /** What an account's own feed holds: its public posts, by id, newest first. */
    feed(actorId: string, before: string | undefined, limit: number): Promise<Shown[]> {
      const query = db('posts as p')
        .where({ 'p.author_id': actorId, 'p.visibility': 'public' })
        .whereNull('p.deleted_at')
        .orderBy('p.id', 'desc')
        .limit(limit)
      return shown(before === undefined ? query : query.where('p.id', '<', before))
    },
    /** How many there are of them. */
    async countFeed(actorId: string): Promise<number> {
      const alive = db('posts').where({ author_id: actorId, visibility: 'public' }).whereNull('deleted_at')
      return Number((await alive.count({ n: '*' }).first())?.n ?? 0)
    },
    /** An account's last public posts of its own: no shares, no answers. */
    latest: (actorId: string, limit: number) =>
      shown(
        db('posts as p')
          .where({ 'p.author_id': actorId, 'p.visibility': 'public', 'p.verb': 'post' })
          .whereNull('p.deleted_at')
          .whereNull('p.in_reply_to')
          .orderBy('p.id', 'desc')
          .limit(limit)
      ),
    /** In which language an account's last post of its own was, if it tells. @param name of the account */
    async lastLanguage(name: string): Promise<string | undefined> {
      const account = db('actors').select('id').where({ local_name: name })
      const own = db('posts').where({ author_id: account, verb: 'post' }).whereNull('deleted_at')
      return (await own.orderBy('id', 'desc').first('language'))?.language ?? undefined
    },
    /** When one of an account's posts was last deleted. */
    async lastDelete(actorId: string): Promise<Date | undefined> {
      return (await db('tombstones').where({ author_id: actorId }).max({ at: 'deleted_at' }).first())?.at ?? undefined
    },
    /**
     * Full text of titles and bodies: every word and "phrase" must be there, and none with a minus before it; what is the same word is
     * told by `search_text`.
     * @param authors ids of those by whom alone it may be
     */
    async search(text: string, page: Page, { authors, onlyLocal }: { authors?: string[]; onlyLocal: boolean }): Promise<Shown[]> {
      const open = (query: Knex.QueryBuilder) => (onlyLocal ? isPublic(query) : query)
      const says = (query: Knex.QueryBuilder) =>
        open(text === '' ? query : query.whereRaw("p.search @@ websearch_to_tsquery('simple', search_text(?))", [text]))
      // by their ids: so the planner knows how much each of them wrote
      const local: string[] | undefined = onlyLocal ? (await accounts()).map(({ id }) => id) : undefined
      const writers = authors === undefined || local === undefined ? (authors ?? local) : authors.filter(id => local.includes(id))
      if (writers === undefined) return shownByIds(await ids(page, among(page, says), [lookUp(page, says)]))
      const people = db.select(db.raw('unnest(?::text[]) as id', [writers]))
      if (text === '') return shownByIds(await ids(page, byPeople(people, page, says)))
      const theirs = lookUp(page, query => says(query).whereRaw('p.author_id = any(?)', [writers]))
      return shownByIds(await ids(page, amongPeople(people, page, says), [theirs]))
    },
    /** Posts by their ids. */
    some: async (ids: string[]): Promise<Map<string, Shown>> =>
      new Map(ids.length === 0 ? [] : (await byIds([...new Set(ids)])).map(post => [post.id, post])),
    one: async (id: string): Promise<Shown | undefined> => (await shown(db('posts as p').where('p.id', id)))[0],
    /**
     * The post, what it answers (at most 5,000 up) and what answers that, however deep: at most `limit` posts in all, those nearest to
     * the top. Oldest first. On the wire times have whole seconds: at the same one answers stand after what they answer, so that a
     * thread looks alike on every node.
     */
    async thread(id: string, limit: number): Promise<Shown[]> {
      const { rows } = await db.raw(
        `with recursive up as (
           select id, parent_id, 0 as height from posts where id = ?
           union all select p.id, p.parent_id, u.height + 1 from posts p join up u on p.id = u.parent_id where u.height < ?),
         top as (select id from up order by height desc limit 1),
         down as (
           select p.id, p.parent_id from posts p join top using (id)
           union select p.id, p.parent_id from posts p join down d on p.parent_id = d.id)
         select id, parent_id from down limit ?`,
        [id, HIGHEST, limit]
      )
      // level by level, as the database finds them
      const depths = new Map<string, number>()
      for (const row of rows) depths.set(row.id, (depths.get(row.parent_id) ?? -1) + 1)
      const posts = await withOriginals(await byIds([...depths.keys()]))
      const second = ({ sortedAt }: Shown) => Math.floor(sortedAt.getTime() / 1000)
      const depth = ({ id }: Shown) => depths.get(id) ?? 0
      return posts.sort((a, b) => second(a) - second(b) || depth(a) - depth(b) || (a.uri < b.uri ? -1 : 1))
    },
    /**
     * Answers of others in threads of our own posts, of which nothing was decided, nor of their authors or hosts, approvals of
     * people only if those count (`people`: then whom we follow is left out as well); newest first.
     */
    async undecided(people: boolean, page: Page): Promise<Shown[]> {
      // whoever was decided of is left out before any post is looked at: most of what was said is by few people who were
      const strangers = db('actors as s')
        .select('s.id')
        .whereIn('s.id', db('down').select('author_id'))
        .whereNull('s.local_name')
        .whereNull('s.blocked_at')
        .whereNotExists(db('verdicts').whereRaw("subject in ('acct:' || s.acct, s.uri) and (? or verdict = 'blocked')", [people]))
        .whereRaw(`not ${isBlockedHost(hostIn('s.uri'))} and not ${isBlockedHost("coalesce(split_part(s.acct, '@', 2), '')")}`)
      if (people) strangers.whereNotExists(db('follows').whereRaw('followed_id = s.id').whereIn('follower_id', accounts()))
      const query = base(page)
        .withRecursive('down', below =>
          below
            .select('id', 'author_id')
            .from('posts')
            .whereIn('author_id', accounts())
            .whereNull('deleted_at')
            .union(db('posts as c').join('down as d', 'c.parent_id', 'd.id').select('c.id', 'c.author_id'))
        )
        .withMaterialized('strangers', strangers)
        .withMaterialized('said', db('down as d').join('strangers as s', 's.id', 'd.author_id').select('d.id'))
        .whereIn('p.id', db('said').select('id'))
        .whereIn('p.visibility', ['public', 'unlisted'])
        // an address that is not of the author's host may be claimed by anybody (I10)
        .whereNotExists(db('verdicts').whereRaw('subject = p.uri and p.rightful'))
        .whereNotExists(db('verdicts').whereRaw(`subject = p.url and ${hostIn('p.url')} = ${hostIn('a.uri')}`))
        .whereNotExists(db('verdicts').whereRaw("subject = a.uri || ' ' || p.uri"))
      return withAuthors(query)
    },
    /** Of these posts those that stand somewhere under a post of ours. */
    async underOurs(ids: string[]): Promise<Set<string>> {
      const { rows } = await db.raw(
        `with recursive up as (
           select id as start, parent_id, null collate "C" as author_id from posts where id = any(?)
           union select u.start, p.parent_id, p.author_id from posts p join up u on p.id = u.parent_id)
         select distinct u.start from up u join actors a on a.id = u.author_id where a.local_name is not null`,
        [ids]
      )
      return new Set(rows.map((row: { start: string }) => row.start))
    },
    /** Posts by their URIs or addresses, dead ones too: several people may say that one is theirs. */
    byNames: (names: string[]): Promise<Shown[]> =>
      names.length === 0
        ? Promise.resolve([])
        : withAuthors(
            db('posts as p')
              .whereRaw('(p.uri = any(:names) or p.url = any(:names) or p.activity_url = any(:names))', { names })
              .orderBy('p.id')
          ),
    /** Everything kept, for `history`: newest first, dead ones too. */
    all: (page: Page, actorId?: string) => shown(actorId === undefined ? whole(page) : whole(page).where('p.author_id', actorId))
  }
}

function split(row: Record<string, unknown>): Shown {
  const post: Record<string, unknown> = {}
  const author: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) {
    if (name.startsWith('author__')) author[name.slice(8)] = value
    else post[name] = value
  }
  return { ...fromRow<KeptPost>(post), author: fromRow<Actor>(author) }
}
