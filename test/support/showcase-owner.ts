/** What the owner of the showcase has done: a list is read in, and the check-up was made. */
import { beginImport } from '../../src/federation/follow-list.ts'
import type { Check } from '../../src/model/check.ts'
import type { Account } from '../../src/model/kept.ts'
import type { TestNode } from './node.ts'

/** A list of feeds, of which none has been read yet. Returns the path of its page. */
export async function importList({ tools }: TestNode, blog: Account): Promise<string> {
  const list = ['tides', 'lamps', 'stones'].map(name => `<outline text="On ${name}" xmlUrl="https://${name}.example/feed.xml"/>`)
  const opml = `<opml version="2.0"><head><title>What I read</title></head><body>${list.join('')}</body></opml>`
  return `/settings/following/imports/${(await beginImport(tools, blog, Buffer.from(opml), 'reader.opml')).id}`
}

const CHECKS: Check[] = [
  { id: 'database', state: 'ok', sentence: 'The database answers.' },
  { id: 'clock', state: 'warning', sentence: 'The clock is 40 s late.', cure: 'Let the machine set its clock by NTP.' },
  {
    ...{ id: 'blog', state: 'failure', sentence: 'https://harbour.example/feed.xml answered 503.' },
    ...{ cure: 'Look at the feed in a browser.', seen: { url: 'https://harbour.example/feed.xml', status: 503, body: '<h1>Busy</h1>' } }
  },
  { id: 'mastodon', state: 'skipped', sentence: 'No Mastodon account is connected.' }
]

/** The check-up of an hour ago. */
export const keepExamined = ({ tools }: TestNode): Promise<void> =>
  tools.settings.keep('doctor', { checks: CHECKS, at: new Date(Date.now() - 3_600_000) })
