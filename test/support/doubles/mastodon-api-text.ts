/** How Mastodon reads the plain text of a toot: what is a link, a tag, a mention; how long it is; how it looks in HTML. */

/** `as` tells what stands there; `value` as it was written. */
export type Piece = { as: 'text' | 'url' | 'tag' | 'mention'; value: string }

const PIECE =
  /https?:\/\/[^\s<>"]*[^\s<>".,;:!?'()]|(?<![\p{L}\p{N}_/])#(?=\p{N}*[\p{L}_])[\p{L}\p{N}_]+|(?<![\p{L}\p{N}_/])@\w+(?:@[\w-]+(?:\.[\w-]+)*(?::\d+)?)?/gu

const kinds: Record<string, Piece['as']> = { h: 'url', '#': 'tag', '@': 'mention' }

export function cutUp(text: string): Piece[] {
  const pieces: Piece[] = []
  let end = 0
  for (const { 0: value, index } of text.matchAll(PIECE)) {
    pieces.push({ as: 'text', value: text.slice(end, index) }, { as: kinds[value[0]!]!, value })
    end = index + value.length
  }
  return [...pieces, { as: 'text', value: text.slice(end) }]
}

/** @returns graphemes; a URL counts `perUrl`, of a remote mention only the name */
export function countCharacters(text: string, perUrl: number): number {
  const counted = cutUp(text).map(({ as, value }) =>
    as === 'url' ? 'x'.repeat(perUrl) : as === 'mention' ? value.replace(/(?<=.)@.*/, '') : value
  )
  return [...new Intl.Segmenter().segment(counted.join(''))].length
}

const codes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, char => codes[char]!)

/**
 * Paragraphs and breaks; links shortened by spans ("Guidelines": Link shortening).
 * @param origin of the server, for the pages of tags
 * @param profileOf the page of somebody who is known here
 */
export function renderText(text: string, origin: string, profileOf: (acct: string) => string | undefined): string {
  const html = cutUp(text.replaceAll('\r\n', '\n'))
    .map(({ as, value }) => {
      if (as === 'url') return linkHtml(value)
      if (as === 'tag') return tagHtml(value.slice(1), origin)
      const profile = as === 'mention' && profileOf(value.slice(1))
      return profile ? mentionHtml(value.slice(1), profile) : escapeHtml(value)
    })
    .join('')
  const paragraphs = html.split(/\n{2,}/).map(paragraph => `<p>${paragraph.replaceAll('\n', '<br />')}</p>`)
  return html && paragraphs.join('')
}

function linkHtml(url: string): string {
  const prefix = /^https?:\/\/(www\.)?/.exec(url)![0]
  const shown = url.slice(prefix.length, prefix.length + 30)
  const rest = url.slice(prefix.length + 30)
  const hidden = (part: string) => `<span class="invisible">${escapeHtml(part)}</span>`
  const middle = `<span class="${rest ? 'ellipsis' : ''}">${escapeHtml(shown)}</span>`
  return `<a href="${escapeHtml(url)}" target="_blank" rel="nofollow noopener noreferrer" translate="no">${hidden(prefix)}${middle}${hidden(rest)}</a>`
}

export const tagUrl = (origin: string, tag: string): string => `${origin}/tags/${encodeURIComponent(tag)}`

const tagHtml = (tag: string, origin: string) =>
  `<a href="${escapeHtml(tagUrl(origin, tag))}" class="mention hashtag" rel="tag">#<span>${escapeHtml(tag)}</span></a>`

const mentionHtml = (acct: string, profile: string) =>
  `<span class="h-card" translate="no"><a href="${escapeHtml(profile)}" class="u-url mention">@<span>${escapeHtml(acct.split('@')[0]!)}</span></a></span>`
