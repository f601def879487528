/** `unfollow`: ends a follow; the hub is told when it was the last one. */
import { findKnown, unfollow as unfollowVerb } from '../federation/follow.ts'
import { Missing } from '../model/errors.ts'
import { actingAccount, type Command, value } from './command.ts'

export const unfollow: Command = {
  words: 'unfollow',
  usage: 'WHO [--as NAME]',
  summary: 'ends a follow',
  options: { as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const [who = ''] = args.positionals
    const as = await actingAccount(tools, args)
    const actor = await findKnown(tools, who)
    if (actor === undefined || !(await unfollowVerb(tools, actor, as))) throw new Missing(`${as.localName} does not follow ${who}.`)
    out.print(
      args.json ? JSON.stringify({ unfollowed: actor.uri }) : `${as.localName} does not follow ${actor.acct ?? actor.uri} any more.`
    )
    return 0
  }
}
