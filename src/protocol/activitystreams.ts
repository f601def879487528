/** ActivityStreams 2.0 documents -> the model (ActivityPub, W3C Recommendation; requirements S3, X1 to X11). Everything is a claim. */
import type { Activity, ActivityObject, Author, Enclosure, Post, PostKind, Verb, Visibility } from '../model/activity.ts'
import { BadMessage } from '../model/errors.ts'
import { readActor } from './actor-document.ts'
import { capText, line, opaque, webUrl } from './atom-parts.ts'
import { emptyPost, present } from './atom-post.ts'
import { readDate } from './date.ts'
import { all, idOf, idsOf, type Json, type JsonObject, objectsOf, textOf, typesOf } from './json-ld.ts'
import { AS_PUBLIC } from './names.ts'
import { textToHtml } from './sanitize.ts'

const VERBS: Record<string, Verb> = {
  ...{ Create: 'post', Update: 'update', Delete: 'delete', Announce: 'share', Like: 'favourite', EmojiReact: 'favourite' },
  ...{ Follow: 'follow', Accept: 'accept', Reject: 'reject', TentativeReject: 'reject', Block: 'block', Undo: 'undo', Move: 'move' },
  ...{ QuoteRequest: 'quote', Flag: 'flag' }
}
const KINDS: Record<string, PostKind> = {
  ...{ Note: 'note', Question: 'note', Article: 'article', Page: 'article', Image: 'image', Video: 'video', Audio: 'other' },
  ...{ Event: 'event', Document: 'other', ChatMessage: 'note' }
}
const ACTORS = ['Person', 'Service', 'Application', 'Group', 'Organization']
/** The `url` of a post of ours, or of another node like this one, whose blog is elsewhere. */
const PAGE = /^(https?:\/\/[^/?#]+\/users\/[a-z0-9_]{1,30}\/posts\/[^/?#]+)\/page$/
const MOST = { mentions: 50, tags: 50, enclosures: 20 }

/**
 * An activity. What is only named in it (an object that is a URI) is a post of which nothing but the id is known; of a follow or a
 * block an actor.
 * @throws BadMessage when it has no type, no actor, or several (X10)
 */
export function readActivity(document: JsonObject): Activity {
  const [actor, ...others] = idsOf(document, 'actor')
  if (actor === undefined || others.length > 0) throw new BadMessage('An activity needs one actor.')
  return readInner(document, actor, 0)
}

function readInner(document: JsonObject, actorId: string, depth: number): Activity {
  const verb =
    typesOf(document)
      .map(type => VERBS[type])
      .find(Boolean) ?? 'unknown'
  const [object] = all(document, verb === 'move' ? 'target' : 'object')
  return {
    ...{ id: opaque(textOf(document, 'id')) ?? '', verb, actor: named(actorId), authors: 1 },
    object: readObject(object, verb, actorId, depth),
    ...present({ published: readDate(textOf(document, 'published')), updated: readDate(textOf(document, 'updated')) })
  }
}

/** The id of what is acted on or answered: GNU social 2.0 names it by its `url`. */
const idOfPage = (id: string | undefined): string | undefined => PAGE.exec(id ?? '')?.[1] ?? id

const named = (id: string): Author => ({ ids: [id], kind: 'person' })

/** What an activity is about, as its verb expects it. An undo of which only the id is told names an activity without a verb. */
function readObject(object: Json | undefined, verb: Verb, actorId: string, depth: number): ActivityObject {
  const id = idOfPage(opaque(idOf(object)))
  if (verb === 'follow' || verb === 'block' || verb === 'move')
    return id === undefined ? { type: 'nothing' } : { type: 'actor', actor: named(id) }
  if (verb === 'undo' || verb === 'accept' || verb === 'reject') return readAnswered(object, id, actorId, verb, depth)
  if (verb === 'delete' && id === actorId) return { type: 'actor', actor: named(id) }
  if (object instanceof Map && typesOf(object).some(type => ACTORS.includes(type))) {
    const actor = readActor(object)
    return actor === undefined ? { type: 'nothing' } : { type: 'actor', actor: actor.author }
  }
  const post = object instanceof Map && typesOf(object).some(type => Object.hasOwn(KINDS, type)) ? readNote(object) : undefined
  if (post !== undefined) return { type: 'post', post }
  return id === undefined ? { type: 'nothing' } : { type: 'post', post: emptyPost(id) }
}

/** The activity inside: of an undo its actor is whoever undoes (X6); of an answer whoever had asked. */
function readAnswered(object: Json | undefined, id: string | undefined, actorId: string, verb: Verb, depth: number): ActivityObject {
  if (!(object instanceof Map)) {
    if (id === undefined) return { type: 'nothing' }
    return { type: 'activity', activity: { id, verb: 'unknown', authors: 0, object: { type: 'nothing' } } }
  }
  const [by, ...others] = idsOf(object, 'actor')
  if (depth > 1 || others.length > 0 || (verb === 'undo' && by !== undefined && by !== actorId)) return { type: 'nothing' }
  return { type: 'activity', activity: readInner(object, by ?? actorId, depth + 1) }
}

/** Whether a document is a post, and no activity or actor. */
export const isNote = (document: JsonObject): boolean => typesOf(document).some(type => Object.hasOwn(KINDS, type))

/** A post as its document tells it. Undefined without an id, or with several authors (X10). */
export function readNote(document: JsonObject): Post | undefined {
  const id = opaque(textOf(document, 'id'))
  const kind = typesOf(document)
    .map(type => KINDS[type])
    .find(Boolean)
  const [author, ...others] = idsOf(document, 'attributedTo')
  if (id === undefined || kind === undefined || others.length > 0) return undefined
  const url = pageOf(document) ?? webUrl(id)
  const reply = all(document, 'inReplyTo')[0]
  const answered = idOfPage(idOf(reply))
  return {
    ...emptyPost(id),
    ...{ kind: answered === undefined ? kind : 'comment', html: htmlOf(document), activityUrl: id },
    ...{
      mentions: tagsOf(document, 'Mention')
        .flatMap(tag => textOf(tag, 'href') ?? [])
        .slice(0, MOST.mentions),
      tags: hashtags(document)
    },
    ...{ enclosures: objectsOf(document, 'attachment').flatMap(readAttachment).slice(0, MOST.enclosures) },
    ...{ visibility: visibilityOf(document), sensitive: document.get('sensitive') === true },
    ...present({
      ...{ author: author === undefined ? undefined : named(author), title: line(textOf(document, 'name')), url },
      ...{ warning: kind === 'article' ? undefined : line(textOf(document, 'summary')), language: languageOf(document) },
      ...{ published: readDate(textOf(document, 'published')), updated: readDate(textOf(document, 'updated')) },
      ...{ inReplyTo: answered === undefined ? undefined : { id: answered, ...present({ url: webUrl(answered) }) } },
      conversation: opaque(textOf(document, 'conversation') ?? textOf(document, 'context'))
    })
  }
}

/** Everybody among those addressed: in `to` it is public, in `cc` unlisted; else it is for followers or for some (W29, W30). */
export function visibilityOf(document: JsonObject): Visibility {
  const everybody = (name: string) => idsOf(document, name).some(id => AS_PUBLIC.includes(id))
  if (everybody('to')) return 'public'
  if (everybody('cc')) return 'unlisted'
  return [...idsOf(document, 'to'), ...idsOf(document, 'cc')].some(id => /\/followers$/.test(id)) ? 'followers' : 'direct'
}

/** The content in its own language; of an article without any, its summary; of a question its choices. */
function htmlOf(document: JsonObject): string {
  const [map] = objectsOf(document, 'contentMap')
  const [translated] = map === undefined ? [] : [...map.values()].filter(value => typeof value === 'string')
  const html = capText(textOf(document, 'content') ?? translated ?? '')
  const plain = textOf(document, 'mediaType') === 'text/plain'
  const choices = [...objectsOf(document, 'oneOf'), ...objectsOf(document, 'anyOf')]
    .slice(0, 20)
    .flatMap(choice => textOf(choice, 'name') ?? [])
  const list =
    choices.length === 0 ? '' : `<ul>${choices.map(choice => `<li>${textToHtml(choice).replace(/<\/?p>/g, '')}</li>`).join('')}</ul>`
  return `${plain ? textToHtml(html) : html}${list}`
}

/** The one key of `contentMap`: of several nobody knows which one `content` is in. */
function languageOf(document: JsonObject): string | undefined {
  const [map] = objectsOf(document, 'contentMap')
  const [language, another] = map === undefined ? [] : [...map.keys()]
  return language !== undefined && another === undefined && /^[A-Za-z]{2,3}(-[\w-]{1,30})?$/.test(language) ? language : undefined
}

/** Where a browser goes: an HTML page among the `url`s, else the first of them. */
function pageOf(document: JsonObject): string | undefined {
  const urls = all(document, 'url').map(value => ({
    url: webUrl(typeof value === 'string' ? value : value instanceof Map ? textOf(value, 'href') : undefined),
    type: value instanceof Map ? textOf(value, 'mediaType') : undefined
  }))
  return (urls.find(({ type, url }) => url !== undefined && type === 'text/html') ?? urls.find(({ url }) => url !== undefined))?.url
}

const tagsOf = (document: JsonObject, type: string): JsonObject[] => objectsOf(document, 'tag').filter(tag => typesOf(tag).includes(type))

const hashtags = (document: JsonObject): string[] => [
  ...new Set(
    tagsOf(document, 'Hashtag')
      .slice(0, MOST.tags)
      .flatMap(tag => line(textOf(tag, 'name'))?.replace(/^#/, '').toLowerCase() ?? [])
  )
]

function readAttachment(document: JsonObject): Enclosure[] {
  const url = pageOf(document) ?? webUrl(textOf(document, 'href'))
  if (url === undefined) return []
  return [
    { url, ...present({ type: line(textOf(document, 'mediaType')), title: line(textOf(document, 'name') ?? textOf(document, 'summary')) }) }
  ]
}
