/** `blog`: how the blogs of our accounts stand. */
import { findAccount } from '../federation/accounts.ts'
import { type BlogStanding, findBlogStandings } from '../federation/blog-standing.ts'
import type { Blog } from '../model/blog.ts'
import { Missing } from '../model/errors.ts'
import { type Command, orNull, showTime } from './command.ts'

export const blog: Command = {
  words: 'blog',
  usage: '[NAME]',
  summary: 'shows what was found of a blog, when it is looked at, what is wrong, its posts and their toots',
  takes: [0, 1],
  async run(tools, { json, positionals: [name] }, out) {
    const account = name === undefined ? undefined : await findAccount(tools, name)
    const standings = await findBlogStandings(tools, account?.id)
    if (standings.length === 0) throw new Missing('There is no blog: `tidings account blog NAME URL` gives an account one.')
    for (const standing of standings) for (const line of json ? [JSON.stringify(asObject(standing))] : asLines(standing)) out.print(line)
    return 0
  }
}

/** What was found of a blog, or what is wrong, in a line. */
export function describeFound({ error, feedUrl, sitemapUrl, title }: Blog): string {
  const found = [title && `“${title}”`, feedUrl && `feed ${feedUrl}`, sitemapUrl && `sitemap ${sitemapUrl}`].filter(Boolean)
  return [found.length > 0 ? `Found: ${found.join(', ')}.` : '', error ?? ''].filter(Boolean).join(' ')
}

/** The same for machines. */
export const foundObject = (found: Blog | undefined) => ({
  ...{ title: orNull(found?.title), feed: orNull(found?.feedUrl), sitemap: orNull(found?.sitemapUrl), error: orNull(found?.error) }
})

function asLines({ account, blog, edits, entries, feed, toots, url }: BlogStanding): string[] {
  const counts = Object.entries(toots).map(([state, count]) => `${count} ${WORDS[state as keyof typeof toots]}`)
  const rows: [string, string][] = [
    ['blog', url ?? 'none: posts are what BLOG_POST_PATTERN takes'],
    ['title', blog?.title ?? '-'],
    ['feed', blog?.feedUrl ?? '-'],
    ['feed read', `${showTime(feed?.polledAt)}, next ${showTime(feed?.pollAt)}`],
    ['sitemap', blog?.sitemapUrl ?? '-'],
    ['looked for', `${showTime(blog?.foundAt)}, next ${showTime(blog?.findAt)}`],
    ['error', [blog?.error, feed?.error].filter(Boolean).join(' ') || '-'],
    ['posts', `${entries}`],
    ['toots', [...counts, ...(edits > 0 ? [`${edits} to be edited`] : [])].join(', ') || 'none']
  ]
  return [account.localName, ...rows.map(([name, value]) => `  ${name.padEnd(12)}${value}`)]
}

const WORDS = { wanted: 'waiting', claimed: 'being made', posted: 'made', old: 'old posts without one', 'dry-run': 'rehearsed' }

const asObject = ({ account, blog, edits, entries, feed, toots, url }: BlogStanding) => ({
  ...{ account: account.localName, blog: orNull(url), ...foundObject(blog) },
  ...{ looked_for: orNull(blog?.foundAt), next_look: orNull(blog?.findAt), sitemap_read: orNull(blog?.sitemapAt) },
  ...{ feed_read: orNull(feed?.polledAt), next_read: orNull(feed?.pollAt), feed_error: orNull(feed?.error) },
  ...{ entries, toots, edits }
})
