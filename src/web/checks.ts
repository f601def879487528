/** What checks found, in the reader's language: sentences as HTML, what stands between backticks in them as code. */
import type { Check, Seen } from '../model/check.ts'
import { codeInText } from './shown.ts'
import { type Language, textsOf } from './texts.ts'

export type CheckView = { state: Check['state']; sentence: string; cure?: string; seen?: Seen }

export function showChecks(language: Language, checks: Check[]): CheckView[] {
  const { tell } = textsOf(language)
  return checks.map(({ cure, seen, sentence, state }) => ({
    ...{ state, sentence: codeInText(tell(sentence)) },
    ...(cure === undefined ? {} : { cure: codeInText(tell(cure)) }),
    ...(seen === undefined ? {} : { seen })
  }))
}
