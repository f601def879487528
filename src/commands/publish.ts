/** `publish`, `edit`, `delete`: what an account of ours writes. */
import { edit as editVerb, ownPost, publish as publishVerb, remove } from '../federation/publish.ts'
import { type Args, actingAccount, type Command, value } from './command.ts'
import { printPost } from './posts.ts'

export const publish: Command = {
  words: 'publish',
  usage: '--text TEXT [--title TEXT] [--reply-to URL] [--as NAME]',
  summary: 'publishes a note, or an article when it has a title',
  options: { text: value, title: value, 'reply-to': value, as: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const author = await actingAccount(tools, args)
    const replyTo = args['reply-to']
    const post = await publishVerb(tools, author, { ...draftOf(args), ...(replyTo === undefined ? {} : { replyTo }) })
    printPost(out, args, { ...post, author })
    return 0
  }
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
