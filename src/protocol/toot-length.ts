/** How Mastodon counts a status (app/validators/status_length_validator.rb of Mastodon 4): what it refuses as too long. */
import { parse } from 'tldts'

/** What every address counts, however long it is. */
const URL_LENGTH = 23

/**
 * Web addresses as Mastodon finds them in a text (twitter-text's rules, config/initializers/twitter_regex.rb). No part of it can
 * match in two ways but the end of the path, so the time grows with the text.
 */
const URLS =
  /(?<![a-z\d@＠$#＃\u202a-\u202e])https?:\/\/([^\s/?#:@<>()]+)(?::\d{1,5})?(?:\/(?:[^\s<>()?]*[^\s<>()?!*"'「」;:=,.$%[\]~&|@])?)?(?:\?[\w!?*'();:&=+$/%#[\]\-.,~|@^\u00a0-\uffef]*[\w&=#/\-\u00a0-\uffef])?/giu

const WORD = String.raw`\p{L}\p{M}\p{Nd}\p{Pc}`
const MENTIONS = new RegExp(`(?<![=/${WORD}])(@[a-z0-9_]+(?:[.-]+[a-z0-9_]+)*)(?:@[${WORD}]+(?:[.-]+[${WORD}]+)*)?`, 'giu')

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** The characters that people see as one, such as a flag or a letter with its accents. */
export const splitCharacters = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment)

/** The length of a status: an address counts 23, `@user@host` as `@user`, everything else by characters that people see. */
export function countCharacters(text: string): number {
  const counted = replaceUrls(text, () => 'x'.repeat(URL_LENGTH)).replace(MENTIONS, '$1')
  return /^[\x20-\x7e\n]*$/.test(counted) ? counted.length : splitCharacters(counted).length
}

/**
 * Replaces what Mastodon takes for web addresses. Those of hosts without a known top-level domain, such as localhost, are none to it.
 * @param other replaces what stands between them
 */
export function replaceUrls(text: string, replace: (url: string) => string, other = (between: string) => between): string {
  let replaced = ''
  let done = 0
  for (const { 0: url, 1: host = '', index } of text.matchAll(URLS)) {
    if (!/^[\p{L}\p{M}\p{N}.-]+$/u.test(host) || !parse(host).isIcann) continue
    replaced += other(text.slice(done, index)) + replace(url)
    done = index + url.length
  }
  return replaced + other(text.slice(done))
}
