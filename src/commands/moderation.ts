/** `moderation`, `approve`, `unapprove`, `hide`, `unhide`, `block`, `unblock`: what the owner lets be seen of the conversation. */
import { type DecidedOf, listDecided } from '../federation/decided.ts'
import {
  approve as approveVerb,
  block as blockVerb,
  type Decided,
  hide as hideVerb,
  unapprove as unapproveVerb,
  unblock as unblockVerb,
  unhide as unhideVerb
} from '../federation/moderate.ts'
import { findWaiting, type Waiting } from '../federation/waiting.ts'
import type { Tools } from '../tools.ts'
import { type Args, type Command, flag, type Out, orNull, showTime, value, WrongUsage } from './command.ts'
import { beginningOf } from './posts.ts'

const USUAL = 100
const DECIDED = ['approved', 'hidden', 'blocked'] as const

export const moderation: Command = {
  words: 'moderation',
  usage: '[--approved|--hidden|--blocked] [--limit N]',
  summary: `shows what waits to be approved, or what was decided, newest first; ${USUAL} unless --limit says more`,
  options: { approved: flag, hidden: flag, blocked: flag, limit: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const limit = Number(args.limit ?? USUAL)
    if (!Number.isSafeInteger(limit) || limit < 1) throw new WrongUsage('--limit is a whole number, 1 or more.')
    const [decided, other] = DECIDED.filter(verdict => args[verdict])
    if (other !== undefined) throw new WrongUsage(`--${decided} and --${other} are asked for one after the other.`)
    if (decided !== undefined) {
      const list = await listDecided(tools, decided, limit)
      if (list.length === 0 && !args.json) out.print(`Nothing is ${decided}.`)
      for (const one of list) printDecided(out, args, one)
      return 0
    }
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

function printDecided(out: Out, { json }: Args, { at, html, kind, name, person, url }: DecidedOf): void {
  if (json) {
    out.print(JSON.stringify({ id: name, kind, at, person: orNull(person), url: orNull(url), html: orNull(html) }))
    return
  }
  const what = kind === 'host' ? `${name} and all below it` : (url ?? name)
  out.print([showTime(at), ...(person === undefined ? [] : [person]), what].join('  '))
  const text = beginningOf(html ?? '')
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

export const unapprove: Command = {
  words: 'unapprove',
  usage: 'URL|ID|WHO',
  summary: 'takes an approval back, of a comment and of its author: what they write waits again',
  takes: [1, 1],
  async run(tools, args, out) {
    const { id, person } = await unapproveVerb(tools, args.positionals[0] ?? '')
    const what = id === person ? id : `${id} by ${person}`
    out.print(args.json ? JSON.stringify({ unapproved: id, person }) : `${what} is no longer approved.`)
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
