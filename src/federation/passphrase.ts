/** The owner's passphrase: beside the link of `npx tidings signin` the other way in. */
import { BadMessage, Refused } from '../model/errors.ts'
import { hashPassphrase, matchesPassphrase } from '../model/passphrase.ts'
import type { Tools } from '../tools.ts'

const NAME = 'passphrase'

/** Characters, of which so many differ from each other. */
export const LEAST_LENGTH = 12
export const MOST_LENGTH = 200
const LEAST_DIFFERENT = 6

export const WRONG = 'This is not the passphrase.'

/** One after the other: each takes 32 MB and the time of a processor. */
let turn: Promise<unknown> = Promise.resolve()

function inTurn<T>(work: () => Promise<T>): Promise<T> {
  const mine = turn.then(work)
  turn = mine.catch(() => undefined)
  return mine
}

export const hasPassphrase = async ({ settings }: Pick<Tools, 'settings'>): Promise<boolean> => (await settings.find(NAME)) !== undefined

/** Whether it is the one that was set; in the same time when none is. */
export async function isPassphrase({ settings }: Pick<Tools, 'settings'>, text: string): Promise<boolean> {
  const kept = await settings.find<string>(NAME)
  return inTurn(() => matchesPassphrase(text.slice(0, MOST_LENGTH + 1), kept))
}

/**
 * Sets the passphrase, or another one: then whoever is signed in elsewhere is signed out.
 * @param present the one that is set now; of no account when there is none
 * @param session id of the session that stays
 * @throws BadMessage when the new one is too easy to guess; Refused when the present one is wrong
 */
export async function setPassphrase(
  tools: Tools,
  wanted: string,
  { present, session }: { present: string; session: string }
): Promise<void> {
  checkRules(wanted)
  const isChange = await requirePresent(tools, present)
  const kept = await inTurn(() => hashPassphrase(wanted))
  await tools.transaction(async ({ sessions, settings }) => {
    await settings.keep(NAME, kept)
    if (isChange) await sessions.endOthers(session)
  })
}

/** @throws Refused when the present one is wrong */
export async function removePassphrase(tools: Tools, present: string): Promise<void> {
  if (await requirePresent(tools, present)) await tools.settings.remove(NAME)
}

/** For whoever has forgotten it, and can give commands to the node. Answers whether there was one. */
export async function forgetPassphrase(tools: Pick<Tools, 'settings'>): Promise<boolean> {
  const was = await hasPassphrase(tools)
  await tools.settings.remove(NAME)
  return was
}

/** Answers whether there is one. @throws Refused */
async function requirePresent(tools: Tools, present: string): Promise<boolean> {
  if (!(await hasPassphrase(tools))) return false
  if (!(await isPassphrase(tools, present))) throw new Refused(WRONG, { code: 'passphrase' })
  return true
}

function checkRules(text: string): void {
  const letters = [...text.normalize('NFKC')]
  const broken = (sentence: string) => new BadMessage(sentence, { code: 'passphrase' })
  if (letters.length < LEAST_LENGTH) throw broken(`A passphrase has at least ${LEAST_LENGTH} characters.`)
  if (letters.length > MOST_LENGTH) throw broken(`A passphrase has at most ${MOST_LENGTH} characters.`)
  if (new Set(letters).size < LEAST_DIFFERENT) throw broken('A passphrase of so few different characters is easy to guess.')
}
