/** How the owner gets in, and whether anybody ever did. */
import type { Tools } from '../tools.ts'
import { isPassphrase } from './passphrase.ts'

const NAME = 'signed_in'

type Session = { token: string; csrf: string }

/** Uses a link up. @param browser its name @returns a session; undefined when the link does not hold any more */
export async function signInByLink({ clock, transaction }: Tools, link: string, browser?: string): Promise<Session | undefined> {
  return transaction(async ({ sessions, settings }) => {
    const session = await sessions.open(link, clock(), browser)
    if (session !== undefined && (await settings.find(NAME)) === undefined) await settings.keep(NAME, true)
    return session
  })
}

/** Takes as long for a wrong passphrase as for none that was ever set (X50). */
export async function signInByPassphrase(tools: Tools, text: string, browser?: string): Promise<Session | undefined> {
  return (await isPassphrase(tools, text)) ? tools.sessions.begin(tools.clock(), browser) : undefined
}

/** Whether the owner has been here: until then a link leads to the first steps. */
export const isSetUp = async ({ settings }: Pick<Tools, 'settings'>): Promise<boolean> => (await settings.find(NAME)) !== undefined

/** An address that signs the owner in once, within 15 minutes: to the first steps while nobody has been here. */
export async function makeSignInAddress(tools: Tools): Promise<string> {
  const { addresses, clock, sessions } = tools
  const token = await sessions.addLink(clock())
  return (await isSetUp(tools)) ? addresses.signIn(token) : addresses.setUp(token)
}
