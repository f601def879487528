/** `moderation`, `approve`, `hide`, `unhide`, `block`, `unblock`: what the owner lets be seen of the conversation. */
import {
  approve as approveVerb,
  block as blockVerb,
  type Decided,
  hide as hideVerb,
  unblock as unblockVerb,
  unhide as unhideVerb
} from '../federation/moderate.ts'
import { findWaiting, type Waiting } from '../federation/waiting.ts'
import type { Tools } from '../tools.ts'
import { type Args, type Command, type Out, orNull, showTime, value, WrongUsage } from './command.ts'
import { beginningOf } from './posts.ts'

const USUAL = 100

export const moderation: Command = {
  words: 'moderation',
  usage: '[--limit N]',
  summary: `shows what waits to be approved, newest first; ${USUAL} unless --limit says more`,
  options: { limit: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const limit = Number(args.limit ?? USUAL)
    if (!Number.isSafeInteger(limit) || limit < 1) throw new WrongUsage('--limit is a whole number, 1 or more.')
    const waiting = await findWaiting(tools, limit)
    if (waiting.length === 0 && !args.json) out.print('Nothing waits.')
    for (const comment of waiting) print(out, args, comment)
    return 0
  }
}

function print(out: Out, { json }: Args, { author, html, id, network, on, published, uri, url }: Waiting): void {
  const person = author.handle ?? author.url ?? author.name
  if (json) {
    const what = { id: uri, url: orNull(url), person, name: author.name, published, html, on: orNull(on), network }
    out.print(JSON.stringify({ ...what, comment: id }))
    return
  }
  out.print([showTime(published), person, url ?? uri, ...(on === undefined ? [] : [`(on ${on})`])].join('  '))
  const text = beginningOf(html)
  if (text !== '') out.print(`    ${text}`)
}

export const approve: Command = {
  words: 'approve',
  usage: 'URL|ID',
  summary: 'shows a comment; with MODERATION=first also whatever its author writes from now on',
  takes: [1, 1],
  async run(tools, args, out) {
    const { alsoPerson, id, person } = await approveVerb(tools, args.positionals[0] ?? '')
    const also = alsoPerson ? `, and so is whatever ${person} writes from now on` : ''
    out.print(args.json ? JSON.stringify({ approved: id, person: alsoPerson ? person : null }) : `${id} is shown${also}.`)
    return 0
  }
}

export const hide = onComment('hide', 'hides a comment for good, also when it comes again', 'hidden', hideVerb)
export const unhide = onComment('unhide', 'takes back that a comment was hidden', 'unhidden', unhideVerb)

function onComment(words: string, summary: string, done: string, verb: (tools: Tools, name: string) => Promise<Decided>): Command {
  return {
    ...{ words, summary, usage: 'URL|ID', takes: [1, 1] },
    async run(tools, args, out) {
      const { id, person } = await verb(tools, args.positionals[0] ?? '')
      out.print(
        args.json ? JSON.stringify({ [done]: id, person }) : `${id} by ${person} is ${done === 'hidden' ? '' : 'no longer '}hidden.`
      )
      return 0
    }
  }
}

export const block = onWho('block', 'shows, counts and hears nothing more of somebody, or of a host and all below it', 'blocked', blockVerb)
export const unblock = onWho('unblock', 'takes a block back', 'unblocked', unblockVerb)

function onWho(words: string, summary: string, done: string, verb: (tools: Tools, who: string) => Promise<string>): Command {
  return {
    ...{ words, summary, usage: 'WHO|HOST', takes: [1, 1] },
    async run(tools, args, out) {
      const called = await verb(tools, args.positionals[0] ?? '')
      out.print(args.json ? JSON.stringify({ [done]: called }) : `${called} is ${done === 'blocked' ? '' : 'no longer '}blocked.`)
      return 0
    }
  }
}
