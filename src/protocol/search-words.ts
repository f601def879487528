/** What somebody typed to find posts -> what is looked for: words, "phrases", -words that must not be there, and from:somebody. */

/** `text`: words, phrases in quotes, and words without which it must be, as web searches take them; `from`: what somebody is called. */
export type SearchWords = { text: string; from?: string }

/** Signs that are words of their own, with nothing between them: several in a row are looked for as a phrase. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const TOKENS = /from:"[^"]*"|-?"[^"]*"|\S+/gi

export function readSearchWords(typed: string): SearchWords {
  const parts: string[] = []
  let name: string | undefined
  for (const [token] of typed.normalize('NFC').matchAll(TOKENS)) {
    const from = /^from:"?@?([^"]+)"?$/i.exec(token)?.[1]?.trim()
    if (from) name = from
    else parts.push(UNSPACED.test(token) && !token.includes('"') ? token.replace(/^(-?)(.*)$/, '$1"$2"') : token)
  }
  return { text: parts.join(' '), ...(name === undefined ? {} : { from: name }) }
}
