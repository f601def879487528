/** What a page is called, and what others show who link to it: Open Graph (ogp.me), of pages that everybody may read. */
import type { Account, Shown } from '../model/kept.ts'
import { htmlToText } from '../protocol/sanitize.ts'
import type { Tools } from '../tools.ts'
import type { PersonView, PostView } from './shown.ts'
import { type Language, textsOf } from './texts.ts'

/** `url`: the one address of the page; `image`: an absolute address of ours, with what is to be seen on it. */
export type Card = { type: 'website' | 'profile' | 'article'; url: string; description?: string; image?: { url: string; alt: string } }

const LONGEST = 200

/** One line for a title or a card: none of the signs that turn the direction of what follows, as nothing around it holds them back. */
export function oneLine(text: string, most: number): string {
  const line = text
    .slice(0, most * 4)
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, '')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .toWellFormed()
  const letters = [...line]
  return letters.length > most ? `${letters.slice(0, most).join('').trimEnd()}…` : line
}

/** A share has the sharer's name alone: its own text repeats the original, which may be gone or not for everybody. */
export function titleOfPost(language: Language, { author, html, title, verb, warning }: Shown): string {
  const { say } = textsOf(language)
  const name = oneLine(author.displayName ?? author.localName ?? author.acct ?? author.uri, 80)
  if (verb === 'share') return say('thread.titleOfShare', { name })
  const text = oneLine(title ?? warning ?? htmlToText(html), 60)
  return say('thread.title', { name, text: text || say('thread.aPost') })
}

/** Of a post of ours; what is warned of stays behind its warning, and no picture is shown of what is sensitive. */
export function cardOfPost({ addresses }: Tools, post: Shown, view: PostView): Card {
  const isGuarded = post.warning !== undefined || post.sensitive
  const picture = isGuarded ? undefined : view.files.find(file => file.picture !== undefined)
  return {
    ...{ type: 'article', url: post.uri },
    ...described(post.warning ?? (post.verb === 'share' ? '' : htmlToText(post.html))),
    ...imageOf(addresses.origin, picture?.picture, picture?.name)
  }
}

export const cardOfPerson = ({ addresses }: Tools, account: Account, view: PersonView): Card => ({
  ...{ type: 'profile', url: account.uri },
  ...described(account.bio ?? ''),
  ...imageOf(addresses.origin, view.picture, view.name)
})

const described = (text: string): Pick<Card, 'description'> => {
  const description = oneLine(text, LONGEST)
  return description === '' ? {} : { description }
}

const imageOf = (origin: string, picture: string | undefined, alt = ''): Pick<Card, 'image'> =>
  picture === undefined ? {} : { image: { url: `${origin}${picture}`, alt: oneLine(alt, LONGEST) } }
