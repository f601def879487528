/** A post as commands show it. */
import type { Actor, KeptPost } from '../model/kept.ts'
import { type Args, type Out, orNull, showTime } from './command.ts'

type Written = KeptPost & { author: Actor }

/** A post for machines: `id` and `author` are URIs, times are ISO 8601, `html` is clean and empty when the post was deleted. */
export const postObject = ({ author, deletedAt, html, inReplyTo, publishedAt, title, updatedAt, uri, url, verb }: Written) => ({
  ...{ id: uri, url: orNull(url), author: author.uri, verb, published: publishedAt, updated: updatedAt, title: orNull(title), html },
  ...{ in_reply_to: orNull(inReplyTo), deleted: deletedAt !== undefined }
})

/** A post for people: who, when, where, and its beginning below. */
export function printPost(out: Out, { json }: Pick<Args, 'json'>, post: Written, indent = ''): void {
  if (json) {
    out.print(JSON.stringify(postObject(post)))
    return
  }
  const { author, deletedAt, edits, publishedAt, title, uri, url, verb } = post
  const marks = [...(verb === 'share' ? ['shared'] : []), ...(deletedAt ? ['deleted'] : []), ...(edits > 0 && !deletedAt ? ['edited'] : [])]
  out.print([indent + showTime(publishedAt), author.acct ?? author.uri, url ?? uri, ...marks.map(mark => `(${mark})`)].join('  '))
  const body = beginningOf([post.quoted?.html, post.html].filter(Boolean).join(' '))
  const text = title === undefined ? body : beginningOf(`${title} ${body}`)
  if (text !== '') out.print(`${indent}    ${text}`)
}

const ENTITIES = new Map(Object.entries({ '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&nbsp;': ' ', '&amp;': '&' }))

/** Elements that part no words: a hashtag is `#<span>tag</span>`. */
const WITHIN_WORDS = /<\/?(?:a|abbr|b|bdi|code|del|em|i|ins|s|span|strong|sub|sup|u)(?:\s[^>]*)?>/g

/** The first words of clean HTML, whose entities are few. */
export function beginningOf(html: string): string {
  const words = html
    .replace(WITHIN_WORDS, '')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&(lt|gt|quot|#39|nbsp|amp);/g, entity => ENTITIES.get(entity) ?? entity)
  const text = words.replace(/\s+/g, ' ').trim()
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}
