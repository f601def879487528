/** `publish`, `edit`, `delete`: what an account of ours writes, and the pages of its blog. */
import { edit as editVerb, ownPost, publish as publishVerb, remove } from '../federation/publish.ts'
import { publishedOut, publishPage, readBlogs } from '../federation/publish-page.ts'
import type { Toot } from '../model/blog.ts'
import { Missing } from '../model/errors.ts'
import type { Tools } from '../tools.ts'
import { type Args, actingAccount, type Command, flag, type Out, value, WrongUsage } from './command.ts'
import { printPost } from './posts.ts'

export const publish: Command = {
  words: 'publish',
  usage: '[URL [--toot]] | --text TEXT [--title TEXT] [--reply-to URL] [--as NAME]',
  summary:
    'publishes a page of the blog (--toot: and toots it, though it is old), or what its feed has news of; with --text a note, or an article when it has a title',
  options: { text: value, title: value, 'reply-to': value, as: value, toot: flag },
  takes: [0, 1],
  async run(tools, args, out) {
    const [url] = args.positionals
    const replyTo = args['reply-to']
    const written = args.text !== undefined || args.title !== undefined || replyTo !== undefined
    if (url !== undefined && written) throw new WrongUsage('Either a page of the blog is published, or a text.')
    if (url === undefined && args.toot === true) throw new WrongUsage('--toot needs the address of a page of the blog.')
    if (url !== undefined) return publishUrl(tools, args, url, out)
    if (!written) return readFeeds(tools, args, out)
    const author = await actingAccount(tools, args)
    const post = await publishVerb(tools, author, { ...draftOf(args), ...(replyTo === undefined ? {} : { replyTo }) })
    printPost(out, args, { ...post, author })
    return 0
  }
}

const STATES = { new: 'is published', edited: 'was changed', known: 'was published before', gone: 'was deleted before' }

/** What becomes of the toot, for people. */
const TOOTS: Record<Toot['state'], string> = {
  wanted: 'its toot waits, and is made by the node',
  claimed: 'its toot is being made',
  posted: 'its toot is made',
  old: 'it is an old post and gets no toot (--toot makes one)',
  'dry-run': 'its toot was only rehearsed (DRY_RUN)'
}

async function publishUrl(tools: Tools, { json, toot: wanted }: Args, url: string, out: Out): Promise<number> {
  const published = await publishPage(tools, url, { toot: wanted === true })
  const { post, state, toot } = published
  if (json) out.print(JSON.stringify(publishedOut(published)))
  else
    out.print(
      `${published.url} ${STATES[state]}: ${post.uri}${toot === undefined ? '' : `; ${toot.tootUrl ? `toot ${toot.tootUrl}` : TOOTS[toot.state]}`}`
    )
  return 0
}

/** Without a page the blog's feed is read. */
async function readFeeds(tools: Tools, args: Args, out: Out): Promise<number> {
  const account = args.as === undefined ? undefined : await actingAccount(tools, args)
  const read = await readBlogs(tools, account?.id)
  if (read.length === 0) throw new Missing('There is no blog: `tidings account blog NAME URL` gives an account one.')
  for (const { account, blog, error } of read) {
    if (args.json) out.print(JSON.stringify({ account, blog, ...(error ? { error: error.message, code: error.code } : {}) }))
    else out.print(error === undefined ? `The feed of ${blog} was read for ${account}.` : `${blog}: ${error.message}`)
  }
  return read.some(({ error }) => error !== undefined) ? 1 : 0
}

export const edit: Command = {
  words: 'edit',
  usage: 'URL --text TEXT [--title TEXT] [--as NAME]',
  summary: 'changes a post; whoever got it gets the new version',
  options: { text: value, title: value, as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const author = await actingAccount(tools, args)
    const post = await ownPost(tools, author, args.positionals[0] ?? '')
    printPost(out, args, { ...(await editVerb(tools, author, post, draftOf(args))), author })
    return 0
  }
}

export const deletePost: Command = {
  words: 'delete',
  usage: 'URL [--as NAME]',
  summary: 'deletes a post; whoever got it is told',
  options: { as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const author = await actingAccount(tools, args)
    const post = await ownPost(tools, author, args.positionals[0] ?? '')
    await remove(tools, author, post)
    out.print(args.json ? JSON.stringify({ deleted: post.uri }) : `${post.uri} is deleted.`)
    return 0
  }
}

const draftOf = ({ text, title }: Args) => ({ ...(text === undefined ? {} : { text }), ...(title === undefined ? {} : { title }) })
