/** The import of old posts that the owner begins on a page: a job, and how far it is. */
import type { OldImport } from '../model/blog.ts'
import { BadMessage, isFailure, Missing } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { type ImportEars, importFeed, importSitemap } from './import-old.ts'

/** Addresses of each kind that are kept to be shown. */
const MOST_SHOWN = 100
const MOST_UNREAD = 20
/** Milliseconds between two notes of how far it is, and after which one that says nothing more has died. */
const PAUSE = 1000
const DEAD = 10 * 60_000

/** What is imported from where, and whether it is only tried. */
export type ImportWish = { source: OldImport['source']; rehearsal: boolean }

/** Whether it goes on: one of which nothing was heard for ten minutes does not. */
export const isRunning = ({ clock }: Pick<Tools, 'clock'>, run: OldImport | undefined): run is OldImport =>
  run?.state === 'running' && clock().getTime() - Date.parse(run.at) < DEAD

/**
 * Begins to import the posts that a blog's sitemap or feed names, as old ones; or to find out which they are. One that runs goes on
 * as it is.
 * @throws Missing when the account has no blog, or the blog no such list
 */
export async function beginImport(tools: Tools, { id }: Account, { rehearsal, source }: ImportWish): Promise<void> {
  const { clock, transaction } = tools
  await transaction(async ({ blogs, queue }) => {
    const run = await blogs.lockImport(id)
    const blog = await blogs.find(id)
    if (blog === undefined) throw new Missing('This account has no blog.')
    if (isRunning(tools, run)) return
    const url = source === 'sitemap' ? blog.sitemapUrl : blog.feedUrl
    if (url === undefined) throw new Missing(source === 'sitemap' ? 'No sitemap of the blog was found.' : 'No feed of the blog was found.')
    await blogs.keepImport(id, { ...NOTHING, source, url, rehearsal, at: clock().toISOString() })
    await queue.add('blog.import', { account: id })
  })
}

const NOTHING = {
  ...{ state: 'running' as const, done: 0, posts: 0, left: 1, found: 0, fresh: 0 },
  ...{ taken: [], passed: [], unread: [] }
}

/** Does what was begun, from its beginning: what was written down before is known then. A failure stands on the page. */
export async function runImport(tools: Tools, accountId: string): Promise<void> {
  const { actors, blogs, clock } = tools
  const [account, begun] = [await actors.find(accountId), (await blogs.find(accountId))?.oldImport]
  if (account?.localName === undefined || begun?.state !== 'running') return
  const { rehearsal, source, url } = begun
  const notes = takeNotes(tools, accountId, { ...NOTHING, source, url, rehearsal, at: '' })
  const work = source === 'sitemap' ? importSitemap : importFeed
  try {
    const { found, new: fresh } = await work(tools, account as Account, url, { dryRun: rehearsal }, notes.ears)
    await notes.end({ state: 'done', found, fresh, left: 0 })
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ url, why: error.message, at: clock() }, 'old posts were not imported')
    await notes.end({ state: 'failed', error: error.message })
  }
}

/** Hears how far it is, and writes it down once a second. */
function takeNotes({ blogs, clock }: Tools, accountId: string, first: OldImport) {
  const run: OldImport = { ...first, taken: [], passed: [], unread: [] }
  let written = Number.NEGATIVE_INFINITY
  let writing: Promise<unknown> = Promise.resolve()
  const write = () => {
    run.at = clock().toISOString()
    const now = structuredClone(run)
    writing = writing.then(() => blogs.keepImport(accountId, now))
    // whoever waits for the last one hears of it
    writing.catch(() => undefined)
  }
  const note = () => {
    if (performance.now() - written < PAUSE) return
    written = performance.now()
    write()
  }
  const ears: ImportEars = {
    progress(done, posts, left) {
      Object.assign(run, { done, posts, left })
      note()
    },
    matched: address => void (run.taken.length < MOST_SHOWN && run.taken.push(address)),
    passed: address => void (run.passed.length < MOST_SHOWN && run.passed.push(address)),
    failed(address, why) {
      if (run.unread.length < MOST_UNREAD) run.unread.push({ url: address, why })
      note()
    }
  }
  const end = async (change: Partial<OldImport>): Promise<void> => {
    Object.assign(run, change)
    write()
    await writing
  }
  return { ears, end }
}

/** The choice that a form names. @throws BadMessage */
export function readSource(text: string | null): OldImport['source'] {
  if (text === 'sitemap' || text === 'feed') return text
  throw new BadMessage('Old posts are read from the sitemap or from the feed.')
}
