/** Tags that people write into their text, `#so`, as links in the form that other servers know them by. */
import { replaceText } from './between-tags.ts'
import { escapeXml } from './xml.ts'

/** In one text. */
const MOST = 50
const LONGEST = 100

/** An address of the web, in which none is looked for; or a tag that is no part of one, nor of a word, nor an entity such as `&#39;`. */
const TAG = /https?:\/\/[^\s<]+|(?<![\p{L}\p{M}\p{N}_&/#=?.)@-])#([\p{L}\p{M}\p{N}_]+)/giu
/** As it is written below, whatever became of its `rel` since. */
const LINKED = /<a class="mention hashtag"[^>]*>#<span>([^<]*)<\/span><\/a>/g

/**
 * Links the tags in clean HTML; those that are linked are linked anew. A number is none.
 * @param addressOf the page of a tag @returns the HTML, and the tags as they were written first, each once
 */
export function linkHashtags(html: string, addressOf: (tag: string) => string): { html: string; tags: string[] } {
  const tags = new Map<string, string>()
  let count = 0
  const link = (written: string, tag: string | undefined): string => {
    if (tag === undefined || !/\p{L}/u.test(tag) || tag.length > LONGEST || count >= MOST) return written
    count++
    if (!tags.has(tag.toLowerCase())) tags.set(tag.toLowerCase(), tag)
    return `<a class="mention hashtag" href="${escapeXml(addressOf(tag))}" rel="tag">#<span>${tag}</span></a>`
  }
  const bare = html.replace(LINKED, '#$1')
  return { html: replaceText(bare, text => text.replace(TAG, link)), tags: [...tags.values()] }
}
