/** The end of the first steps: how the first reading of the blog goes, and what comes next. */
import { findMainAccount } from '../federation/handled.ts'
import { findConnection } from '../federation/mastodon.ts'
import { hasPassphrase } from '../federation/passphrase.ts'
import type { Blog } from '../model/blog.ts'
import type { Account, Shown } from '../model/kept.ts'
import { plainText } from '../protocol/plain-text.ts'
import type { Tools } from '../tools.ts'
import type { NextView } from './owner-views.ts'
import { accountOf } from './search.ts'
import { showTime } from './shown.ts'

const MOST_POSTS = 10
const LONGEST_TITLE = 120

/** @param name of the account; the first one when there is none @throws Missing, Refused 409 as `accountOf` */
export async function showNext(tools: Tools, name: string | null): Promise<NextView> {
  const { blogs, timelines } = tools
  const account = (name === null ? await findMainAccount(tools) : undefined) ?? (await accountOf(tools, name))
  const blog = await blogs.find(account.id)
  const posts = blog === undefined ? [] : await timelines.by(account.id, { limit: MOST_POSTS }, false)
  return {
    ...{ name: account.localName, handle: `@${account.acct}`, page: `/users/${account.localName}` },
    ...(blog === undefined ? {} : { blog: showBlog(blog) }),
    count: await blogs.countEntries(account.id),
    posts: posts.map(post => showLine(account, post)),
    toDo: await findToDo(tools, account, blog)
  }
}

const showBlog = ({ error, feedUrl, foundAt, sitemapUrl, title, url }: Blog): NonNullable<NextView['blog']> => ({
  ...{ url, looking: foundAt === undefined && error === undefined },
  ...(title ? { title } : {}),
  ...(feedUrl ? { feed: feedUrl } : {}),
  ...(sitemapUrl ? { sitemap: sitemapUrl } : {}),
  ...(error ? { error } : {})
})

function showLine({ localName }: Account, { html, id, publishedAt, title }: Shown): NextView['posts'][number] {
  const line = title || plainText(html).slice(0, LONGEST_TITLE) || '…'
  return { page: `/users/${localName}/posts/${id}`, title: line, published: showTime(publishedAt) }
}

async function findToDo(tools: Tools, { id, localName }: Account, blog: Blog | undefined): Promise<NextView['toDo']> {
  const isImported = blog?.oldImport?.state === 'done' && !blog.oldImport.rehearsal
  const connection = await findConnection(tools, id)
  const ofBlog: NextView['toDo'] = [
    { what: 'blog', path: '/settings/blog', done: false },
    { what: 'mastodon', path: '/settings/mastodon', done: connection?.state === 'ok' },
    { what: 'old', path: `/settings/blog/old?as=${localName}`, done: isImported }
  ]
  return [...(blog === undefined ? [] : ofBlog), { what: 'access', path: '/settings/access', done: await hasPassphrase(tools) }]
}
