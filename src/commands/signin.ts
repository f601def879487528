/** `signin`: a link that signs the owner in once; `passphrase remove`: for whoever has forgotten it. */
import { forgetPassphrase } from '../federation/passphrase.ts'
import { makeSignInAddress } from '../federation/sign-in.ts'
import type { Command } from './command.ts'

export const signin: Command = {
  words: 'signin',
  usage: '',
  summary: 'gives a link that signs you in, once, within 15 minutes',
  takes: [0, 0],
  async run(tools, { json }, out) {
    const url = await makeSignInAddress(tools)
    out.print(json ? JSON.stringify({ url }) : url)
    return 0
  }
}

export const passphraseRemove: Command = {
  words: 'passphrase remove',
  usage: '',
  summary: 'removes the passphrase of the owner: for whoever has forgotten it; `signin` gives a link then',
  takes: [0, 0],
  async run(tools, { json }, out) {
    const removed = await forgetPassphrase(tools)
    out.print(json ? JSON.stringify({ removed }) : removed ? 'The passphrase is removed.' : 'There is no passphrase.')
    return 0
  }
}
