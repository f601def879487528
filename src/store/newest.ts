import type { Knex } from 'knex'
import type { Db } from './rows.ts'

/** Where a page of a list ends: the next begins after it. By keyset, so that nothing is shown twice or left out (F4). */
export type Cursor = { sortedAt: Date; id: string }
export type Page = { before?: Cursor; limit: number }

type Query = Knex.QueryBuilder
/** Adds conditions on posts `p`. */
type Narrow = (query: Query) => Query

/** So many posts are looked through one by one: some milliseconds, whatever the length of the history. */
const WINDOW = 5000
/** So many of one person: they do not lie side by side. */
const PERSONS_WINDOW = 1000

const NEWEST_FIRST = [
  { column: 'p.sorted_at', order: 'desc' },
  { column: 'p.id', order: 'desc' }
]

/**
 * Pages of posts, newest first, in a time that does not grow with the history. One query for a page is planned either for what is
 * common, by looking through the newest, or for what is rare, by looking up all of its kind; on a million posts each is slow for the
 * other. So the newest are looked through first, and only what is too rare for that is looked up.
 */
export function makeNewest(db: Db) {
  /** Posts, dead ones too. */
  const whole = ({ before, limit }: Page): Query => {
    const query = db('posts as p').orderBy(NEWEST_FIRST).limit(limit)
    return before === undefined ? query : query.whereRaw('(p.sorted_at, p.id) < (?, ?)', [before.sortedAt, before.id])
  }
  const alive = (page: Page): Query => whole(page).whereNull('p.deleted_at')
  const place = (query: Query, { limit }: Pick<Page, 'limit'>): Query =>
    query.orderBy(NEWEST_FIRST).limit(limit).select('p.id', 'p.sorted_at')
  const ofPerson = (page: Page): Query => alive(page).whereRaw('p.author_id = w.id')
  const ofEach = (people: Query, page: Page, posts: Query): Query =>
    place(db.from(people.as('w')).crossJoin(db.raw('lateral (?) as p', [posts])), page)
  return {
    whole,
    alive,
    /** Those of the newest that match. */
    among: (page: Page, match: Narrow): Query =>
      place(
        match(
          db.from(
            alive({ ...page, limit: WINDOW })
              .select('p.*')
              .as('p')
          )
        ),
        page
      ),
    /** The newest of some people, looked up for each of them. @param people their ids as `id` */
    byPeople: (people: Query, page: Page, match: Narrow = query => query): Query =>
      ofEach(people, page, match(ofPerson(page)).select('p.id', 'p.sorted_at')),
    /** Those of the newest of some people that match. */
    amongPeople(people: Query, page: Page, match: Narrow): Query {
      // the window out of the index alone: whoever writes much is planned for as everybody else
      const window = ofPerson({ ...page, limit: PERSONS_WINDOW }).select('p.id')
      return ofEach(people, page, place(match(db.from(window.as('n')).join('posts as p', 'p.id', 'n.id')), page))
    },
    /** All that an index finds, and only then the newest of it: such an index knows no order. */
    lookUp: (page: Page, match: Narrow): Query => {
      const all: Query = match(alive(page)).clearOrder().clear('limit').select('p.id', 'p.sorted_at')
      return place(db.withMaterialized('p', all).from('p'), page)
    },
    /** Ids of the newest that one of the queries of this file finds, and if these are too few for a page, those that others find. */
    async ids(page: Page, first: Query, rest: Query[] = []): Promise<string[]> {
      const idsOf = (rows: { id: string }[]) => rows.map(row => row.id)
      const found = idsOf(await first)
      if (rest.length === 0 || found.length === page.limit) return found
      const [beyond] = await alive({ ...page, limit: 1 })
        .offset(WINDOW)
        .select('p.id')
      return beyond === undefined ? found : idsOf(await place(db.from(db.union(rest, true).as('p')), page))
    }
  }
}
