/** Whether the lines of a kit stand in the blog's front page, in its newest post and in its feed. */
import type { Check } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import { cleanAddress, pageKey } from '../protocol/blog-address.ts'
import { readFeed } from '../protocol/feed-document.ts'
import { readLinks } from '../protocol/link.ts'
import { LIMIT, TYPE } from '../protocol/names.ts'
import { feedLinks } from '../protocol/page.ts'
import { type PageLines, readPageLines } from '../protocol/page-lines.ts'
import type { Tools } from '../tools.ts'
import type { BlogKit } from './kit.ts'
import { describeLook, type Looked, look } from './look.ts'
import { FEED_ACCEPT } from './read-feed.ts'

const ACCEPT_PAGE = `${TYPE.html}, */*;q=0.1`
const ADD = 'Put the line of the kit into the template, publish the blog, and check again.'

/** A page as it was looked at: `lines` when it was there. */
type Page = Looked & { asked: string; lines?: PageLines }

/** The front page stands for the newest post as long as there is none. */
export async function checkPages(tools: Tools, kit: BlogKit): Promise<Check[]> {
  const [newest] = await tools.blogs.entries(kit.account.id, 1)
  const [front, post, hub, byAccept] = await Promise.all([
    lookAt(tools, kit.blog),
    newest === undefined ? undefined : lookAt(tools, newest.url),
    checkHub(tools, kit),
    checkAccept(tools, kit, newest?.url)
  ])
  const page = post ?? front
  const blog = checkBlog(front)
  if (blog.state === 'failure') return [blog, hub]
  return [
    blog,
    checkScript(kit, page),
    checkMe(kit, front),
    checkFeedLink(kit, front),
    hub,
    checkCreator(kit, page),
    ...checkPost(kit, page, post !== undefined),
    byAccept
  ]
}

async function lookAt(tools: Tools, asked: string): Promise<Page> {
  const looked = await look(tools, asked, ACCEPT_PAGE)
  const { answer } = looked
  if (answer?.status !== 200) return { ...looked, asked }
  const contentType = answer.headers['content-type']
  return { ...looked, asked, lines: readPageLines(answer.body, { url: answer.url, ...(contentType === undefined ? {} : { contentType }) }) }
}

function checkBlog(page: Page): Check {
  if (page.lines !== undefined) return { id: 'blog', state: 'ok', sentence: 'The blog answers.' }
  const sentence = `The blog ${page.asked} cannot be read: ${describeLook(page)}.`
  return {
    id: 'blog',
    state: 'failure',
    sentence,
    cure: 'Open that address in a browser: when it works there, check again.',
    seen: page.seen
  }
}

/** A line that stands in a page, or does not; a page that cannot be had is told as such. */
function checkLine(id: string, page: Page, isThere: (lines: PageLines) => boolean, good: string, bad: string): Check {
  if (page.lines === undefined)
    return { id, state: 'skipped', sentence: `The page ${page.asked} cannot be read: ${describeLook(page)}.`, seen: page.seen }
  if (isThere(page.lines)) return { id, state: 'ok', sentence: good }
  return {
    id,
    state: 'warning',
    sentence: bad,
    cure: ADD,
    seen: { url: page.seen.url, ...(page.seen.status ? { status: page.seen.status } : {}) }
  }
}

function checkScript({ origin }: BlogKit, page: Page): Check {
  const script = `${origin}/widget.js`
  const isThere = ({ scripts }: PageLines) => scripts.some(src => src.split('?')[0] === script)
  const check = checkLine('script', page, isThere, `The script stands in ${page.asked}.`, `The script does not stand in ${page.asked}.`)
  const isQuiet = page.lines?.quiet.some(href => href.startsWith(`${origin}/conversation`)) ?? true
  if (check.state !== 'ok' || isQuiet) return check
  return { ...check, state: 'warning', sentence: 'The script stands there, but not the link for those who run none.', cure: ADD }
}

const checkMe = ({ uri }: BlogKit, page: Page): Check =>
  checkLine(
    'me',
    page,
    ({ links }) => links.some(({ rel, url }) => rel.includes('me') && url === uri),
    'The front page says by rel="me" that the account is yours.',
    'The front page does not say by rel="me" that the account is yours.'
  )

const checkFeedLink = ({ feed, nodeFeed }: BlogKit, page: Page): Check =>
  checkLine(
    'feed',
    page,
    ({ links }) => feedLinks(links).some(({ url }) => url === feed || url === nodeFeed),
    'The front page names the feed.',
    'The front page does not name the feed.'
  )

const checkCreator = ({ handle }: BlogKit, page: Page): Check =>
  checkLine(
    'creator',
    page,
    ({ creators }) => creators.includes(handle),
    `fediverse:creator names @${handle}.`,
    `fediverse:creator does not name @${handle} in ${page.asked}.`
  )

/** A link to the post by ActivityPub: to its address here, or to the place that knows it by the blog's. */
function checkPost({ origin }: BlogKit, page: Page, isPost: boolean): Check[] {
  if (!isPost) return []
  const key = pageKey(page.asked)
  const leadsHere = (url: string): boolean => {
    const { searchParams } = new URL(url)
    const asked = cleanAddress(searchParams.get('url') ?? '')?.url
    return (
      url.startsWith(`${origin}/users/`) || (url.startsWith(`${origin}/conversation?`) && asked !== undefined && pageKey(asked) === key)
    )
  }
  const isThere = ({ links }: PageLines) =>
    links.some(({ rel, type, url }) => rel.includes('alternate') && type === TYPE.activity && leadsHere(url))
  const good = 'The newest post names itself in ActivityPub.'
  return [checkLine('alternate', page, isThere, good, `The newest post, ${page.asked}, does not name itself in ActivityPub.`)]
}

async function checkHub(tools: Tools, { feed, hub }: BlogKit): Promise<Check> {
  if (feed === undefined) return { id: 'hub', state: 'skipped', sentence: 'No feed of the blog is known.' }
  const looked = await look(tools, feed, FEED_ACCEPT, { maxBytes: LIMIT.feedBytes })
  const { answer } = looked
  const failed = (sentence: string): Check => ({ id: 'hub', state: 'failure', sentence, cure: MEND_FEED, seen: looked.seen })
  if (answer?.status !== 200) return failed(`The feed ${feed} cannot be read: ${describeLook(looked)}.`)
  try {
    const inFeed = readFeed(answer.body, { url: answer.url, contentType: answer.headers['content-type'], bytes: LIMIT.feedBytes }).links.hub
    const inHeader = readLinks(answer.headers.link, answer.url).filter(({ rel }) => rel.includes('hub'))
    if ([...inFeed, ...inHeader.map(({ url }) => url)].includes(hub))
      return { id: 'hub', state: 'ok', sentence: 'The feed names this node as its hub.' }
  } catch (error) {
    if (!isFailure(error)) throw error
    return failed(`The feed ${feed} cannot be read: ${error.message}`)
  }
  return {
    id: 'hub',
    state: 'warning',
    sentence: 'The feed does not name this node as its hub.',
    cure: ADD,
    seen: { url: feed, status: 200 }
  }
}

const MEND_FEED = 'Open that address in a browser and see what stands there; a feed validator tells what is wrong with it.'

/** Whether the host leads those here who ask for ActivityPub: no static host can, so it is no fault. */
async function checkAccept(tools: Tools, { origin }: BlogKit, post: string | undefined): Promise<Check> {
  if (post === undefined) return { id: 'accept', state: 'skipped', sentence: 'There is no post of the blog yet.' }
  const { answer } = await look(tools, post, TYPE.activity, { redirects: 0 })
  const isLed = answer?.headers.location?.startsWith(`${origin}/`) ?? false
  if (isLed) return { id: 'accept', state: 'ok', sentence: 'Whoever asks for a post by ActivityPub is led here.' }
  return { id: 'accept', state: 'skipped', sentence: 'Who asks for a post by ActivityPub is not led here: static hosts cannot do it.' }
}
