/** `signin`: a link that signs the owner in once. */
import type { Command } from './command.ts'

export const signin: Command = {
  words: 'signin',
  usage: '',
  summary: 'gives a link that signs you in, once, within 15 minutes',
  takes: [0, 0],
  async run({ addresses, clock, sessions }, { json }, out) {
    const url = addresses.signIn(await sessions.addLink(clock()))
    out.print(json ? JSON.stringify({ url }) : url)
    return 0
  }
}
