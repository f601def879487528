/** `reply`, `favourite`, `share`, `undo`: what an account of ours does to a post that is known here. */
import { type Acted, favourite as favouriteVerb, share as shareVerb, undo as undoVerb } from '../federation/act.ts'
import { publish } from '../federation/publish.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { actingAccount, type Command, value, WrongUsage } from './command.ts'
import { printPost } from './posts.ts'

export const reply: Command = {
  words: 'reply',
  usage: 'URL --text TEXT [--as NAME]',
  summary: 'answers a post; its author and everybody mentioned are told',
  options: { text: value, as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const author = await actingAccount(tools, args)
    const { positionals, text } = args
    if (!text?.trim()) throw new WrongUsage('An answer needs its text: --text TEXT.')
    printPost(out, args, { ...(await publish(tools, author, { text, replyTo: positionals[0] ?? '' })), author })
    return 0
  }
}

export const favourite = command('favourite', 'favours a post; its author is told', 'favours', favouriteVerb)
export const share = command('share', 'shares a post with the followers; its author is told', 'shares', shareVerb)

/** A command that does one thing to a post, once. */
function command(words: string, summary: string, does: string, act: (tools: Tools, as: Account, url: string) => Promise<Acted>): Command {
  return {
    ...{ words, summary, usage: 'URL [--as NAME]', options: { as: value }, takes: [1, 1] },
    async run(tools, args, out) {
      const as = await actingAccount(tools, args)
      const { already, post } = await act(tools, as, args.positionals[0] ?? '')
      const sentence = `${as.localName} ${does} ${post.uri}${already ? ' already' : ''}.`
      out.print(args.json ? JSON.stringify({ [words]: post.uri, already }) : sentence)
      return 0
    }
  }
}

export const undo: Command = {
  words: 'undo',
  usage: 'URL [--as NAME]',
  summary: 'takes back the favourite and the share of a post',
  options: { as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const as = await actingAccount(tools, args)
    const { post, undone } = await undoVerb(tools, as, args.positionals[0] ?? '')
    out.print(
      args.json ? JSON.stringify({ undone, post: post.uri }) : `${as.localName} took back the ${undone.join(' and the ')} of ${post.uri}.`
    )
    return 0
  }
}
