/** Mentions in a text: `@user@host` becomes a link to somebody, who is told of the post (protocols.md F10). */
import { isFailure } from '../model/errors.ts'
import type { Actor } from '../model/kept.ts'
import { replaceText } from '../protocol/between-tags.ts'
import { sanitizeHtml } from '../protocol/sanitize.ts'
import { isWebAddress } from '../protocol/web-address.ts'
import { escapeXml } from '../protocol/xml.ts'
import type { Stores, Tools } from '../tools.ts'
import { meet } from './follow.ts'

/** Looked up for one post. */
const MOST = 10

/** Not what belongs to an address: of the web, of mail, of another mention. */
const MENTION = /(?<![\p{L}\p{N}_@/.=&-])@([\p{L}\p{N}_]+(?:[.-]+[\p{L}\p{N}_]+)*)@([\p{L}\p{N}]+(?:[.-]+[\p{L}\p{N}]+)*(?::\d{1,5})?)/gu

/** `user@host` as it was written -> who that is. */
export type Mentioned = ReadonlyMap<string, Actor>

/**
 * Finds who is mentioned in clean HTML: those known already, else by discovery; ten at most. Whoever is not found stays plain text.
 * It asks strangers, so it must stand before any transaction.
 */
export async function findMentioned(tools: Tools, html: string): Promise<Mentioned> {
  const names = mentionsIn(html).slice(0, MOST)
  const found = await Promise.all(names.map(async name => [name, await tryMeet(tools, name)] as const))
  return new Map(found.filter((pair): pair is [string, Actor] => pair[1] !== undefined && pair[1].removedAt === undefined))
}

/** Who is mentioned in clean HTML, each once: `user@host` as it was written. */
export function mentionsIn(html: string): string[] {
  const names = new Set<string>()
  replaceText(html, text => {
    for (const [, user, host] of text.matchAll(MENTION)) names.add(`${user}@${host}`)
    return text
  })
  return [...names]
}

async function tryMeet(tools: Tools, name: string): Promise<Actor | undefined> {
  try {
    return await meet(tools, name)
  } catch (error) {
    if (!isFailure(error)) throw error
    tools.log.info({ name, why: error.message }, 'mention: nobody was found')
    return undefined
  }
}

/** Links the mentions in clean HTML to the profiles, in the form that Mastodon knows them by. What comes out is clean. */
export function linkMentions(html: string, people: Mentioned): string {
  if (people.size === 0) return html
  const link = (written: string, user: string, host: string) => {
    const page = pageOf(people.get(`${user}@${host}`))
    if (page === undefined) return written
    return `<span class="h-card"><a href="${escapeXml(page)}" class="u-url mention">@${user}</a></span>`
  }
  return sanitizeHtml(replaceText(html, text => text.replace(MENTION, link)))
}

const pageOf = (person: Actor | undefined): string | undefined => [person?.url, person?.uri].find(isWebAddress)

/** Those among the mentioned whom a new text still links to, as a form brings the links of the old one back. */
export async function stillLinked({ actors }: Stores, mentions: string[], html: string): Promise<string[]> {
  const linked: string[] = []
  for (const uri of mentions) {
    const page = pageOf(await actors.findByName(uri))
    if (page !== undefined && html.includes(`href="${escapeXml(new URL(page).href)}"`)) linked.push(uri)
  }
  return linked
}
