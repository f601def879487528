/** What may be said (verbs) and in whose name (places of the author): the two sides of the table of authenticity. */
import type { Tools } from '../../src/tools.ts'
import { authorXml, typeXml, verbXml } from './atom-documents.ts'
import { followXml, mentionXml, noteXml, personXml, unfollowXml } from './slaps.ts'

const OSTATUS = 'http://ostatus.org/schema/1.0/'
const MASTODON = 'http://mastodon.social/schema/1.0/'

/** One thing that is said. `own`: URI of a post of the speaker's; `hers` and `mine`: of posts of ann's and of ours. */
export type Case = {
  id: string
  by: string
  ann: string
  bob: string
  own: string
  hers: string
  mine: string
  /** The author whom an object names, if any. */
  objectAuthor: string
}
/** What was to come of it, told of the actor who said it. */
type Effect = (tools: Tools, said: Case, actorId: string, bobId: string) => Promise<boolean>
/** `salmon`, `feed`: what comes of it on that way; nothing at all where there is none. */
export type Saying = { verb: string; inner: (said: Case) => string; id?: (said: Case) => string; salmon?: Effect; feed?: Effect }

const isKept: Effect = async ({ history }, { id }, actorId) => {
  const post = await history.findByUri(id, actorId)
  return post !== undefined && post.deletedAt === undefined
}
const isDead: Effect = async ({ history }, { own }, actorId) => (await history.findByUri(own, actorId))?.deletedAt !== undefined
const acted =
  (verb: string, undone: boolean, about: 'mine' | 'hers' | 'bob' = 'mine'): Effect =>
  async ({ history }, said, actorId) =>
    (await history.findAct(actorId, verb, said[about]))?.undone === undone
const follows =
  (wanted: boolean): Effect =>
  async ({ follows }, _, actorId, bobId) =>
    ((await follows.find(actorId, bobId)) !== undefined) === wanted
const looks: Effect = async ({ actors }, { id }, actorId) => (await actors.find(actorId))?.bio === id

const says = (more = '') => `<content>said</content>${more}`
const note = (uri: string, { objectAuthor }: Case) => noteXml(uri, `<content>other words than the original’s</content>${objectAuthor}`)
const answers = (uri: string) => `<thr:in-reply-to ref="${uri}"/>`
const target = (uri: string) => `<activity:target><id>${uri}</id></activity:target>`
const bio = (uri: string, text: string) =>
  `<activity:object>${typeXml('person')}<id>${uri}</id><poco:note>${text}</poco:note></activity:object>`
const answering = (word: string, { ann, bob }: Case) =>
  verbXml(word) +
  `<activity:object>${typeXml('activity')}<id>${bob}/acts/1</id>${verbXml('request-friend')}${authorXml(bob)}${personXml(ann)}</activity:object>`

/** Every verb, about oneself and about what is ann's. */
export const SAYINGS: Saying[] = [
  { verb: 'a post to nobody', inner: () => says(), feed: isKept },
  { verb: 'a reply', inner: ({ mine }) => says(answers(mine)), salmon: isKept, feed: isKept },
  { verb: 'a mention', inner: ({ bob }) => mentionXml(bob), salmon: isKept, feed: isKept },
  { verb: 'a post under the id of hers', inner: ({ bob }) => mentionXml(bob, 'stolen'), id: ({ hers }) => hers },
  { verb: 'an edit of hers', inner: ({ bob }) => verbXml('update') + mentionXml(bob, 'edited'), id: ({ hers }) => hers },
  { verb: 'a share', inner: said => verbXml('share') + note(said.mine, said), salmon: acted('share', false), feed: isKept },
  { verb: 'a share of hers', inner: said => verbXml('share') + note(said.hers, said), feed: isKept },
  {
    verb: 'a favourite',
    inner: said => verbXml('favorite') + note(said.mine, said),
    salmon: acted('favourite', false),
    feed: acted('favourite', false)
  },
  {
    verb: 'its end',
    inner: said => verbXml('unfavorite') + note(said.mine, said),
    salmon: acted('favourite', true),
    feed: acted('favourite', true)
  },
  { verb: 'a favourite of hers', inner: said => verbXml('favorite') + note(said.hers, said), feed: acted('favourite', false, 'hers') },
  { verb: 'a follow', inner: ({ bob }) => followXml(bob), salmon: follows(true) },
  { verb: 'an unfollow', inner: ({ bob }) => unfollowXml(bob), salmon: follows(false) },
  { verb: 'a request to follow', inner: ({ bob }) => verbXml('request-friend') + personXml(bob), salmon: follows(true) },
  { verb: 'a yes to what she was asked', inner: said => answering('authorize', said) },
  { verb: 'a no to what she was asked', inner: said => answering('reject', said) },
  { verb: 'a block', inner: ({ bob }) => verbXml('block', MASTODON) + personXml(bob), salmon: acted('block', false, 'bob') },
  { verb: 'an unblock', inner: ({ bob }) => verbXml('unblock', MASTODON) + personXml(bob), salmon: acted('block', true, 'bob') },
  { verb: 'a new profile', inner: ({ by, id }) => verbXml('update-profile', OSTATUS) + bio(by, id), salmon: looks, feed: looks },
  { verb: 'a new profile of hers', inner: ({ ann }) => verbXml('update-profile', OSTATUS) + bio(ann, 'evil') },
  { verb: 'a delete by its id', inner: () => verbXml('delete'), id: ({ own }) => own, salmon: isDead, feed: isDead },
  { verb: 'a delete by its object', inner: ({ own }) => verbXml('delete') + noteXml(own), salmon: isDead, feed: isDead },
  { verb: 'a delete by its target', inner: ({ own }) => verbXml('delete') + target(own), salmon: isDead, feed: isDead },
  { verb: 'a delete of hers by its id', inner: () => verbXml('delete'), id: ({ hers }) => hers },
  { verb: 'a delete of hers by its object', inner: ({ hers }) => verbXml('delete') + noteXml(hers) },
  { verb: 'a delete of hers by its target', inner: ({ hers }) => verbXml('delete') + target(hers) },
  { verb: 'a delete of ours', inner: ({ mine }) => verbXml('delete') + noteXml(mine) },
  { verb: 'an unknown verb', inner: ({ bob }) => `<activity:verb>urn:x-checkin</activity:verb>${personXml(bob)}` }
]

export type Place = {
  place: string
  author: (by: string, ann: string) => string
  more?: (ann: string) => string
  /** The author whom objects name. */
  object?: (ann: string) => string
  /** The status of an envelope in which she is named there; none: he is believed, as himself. */
  status?: number
  /** In his feed it is his own word all the same; else a post is shown as told by him, and anything else is nothing. */
  feed: 'own' | 'other'
  /** The same, if both are of one host. */
  near?: 'own'
}

const page = (href: string) => `<link rel="alternate" type="text/html" href="${href}"/>`

/** Where ann is named in what another signed. */
export const PLACES: Place[] = [
  { place: 'nowhere', author: by => authorXml(by), feed: 'own' },
  {
    place: 'as the author of the source',
    author: by => authorXml(by),
    more: ann => `<source><id>s</id>${authorXml(ann)}</source>`,
    feed: 'own'
  },
  { place: 'as the author of the object', author: by => authorXml(by), object: ann => authorXml(ann), feed: 'own' },
  { place: 'as the author', author: (_, ann) => authorXml(ann), status: 401, feed: 'other' },
  {
    place: 'as the author, with a comment inside',
    author: (_, ann) => authorXml(ann.replace(/(.)$/, '<!-- x -->$1')),
    status: 401,
    feed: 'other'
  },
  {
    place: 'as the author, in two pieces',
    author: (_, ann) => authorXml(ann.replace(/(.)$/, '<![CDATA[$1]]>')),
    status: 401,
    feed: 'other'
  },
  { place: 'by her id', author: (by, ann) => `<author><id>${ann}</id><uri>${by}</uri><name>x</name></author>`, status: 401, feed: 'other' },
  {
    place: 'by her URI',
    author: (by, ann) => `<author><id>${by}</id><uri>${ann}</uri><name>x</name></author>`,
    status: 401,
    feed: 'other',
    near: 'own'
  },
  {
    place: 'by her address',
    author: (by, ann) => authorXml(by, `<email>ann@${new URL(ann).host}</email>`),
    status: 401,
    feed: 'other',
    near: 'own'
  },
  { place: 'by her page', author: (by, ann) => authorXml(by, page(ann)), status: 401, feed: 'other', near: 'own' },
  {
    place: 'as the actor beside the author',
    author: (by, ann) => `${authorXml(by)}<activity:actor>${typeXml('person')}<uri>${ann}</uri></activity:actor>`,
    status: 400,
    feed: 'own'
  },
  {
    place: 'as the actor alone',
    author: (_, ann) => `<activity:actor>${typeXml('person')}<uri>${ann}</uri></activity:actor>`,
    status: 400,
    feed: 'own'
  },
  { place: 'as a second author', author: (by, ann) => authorXml(by) + authorXml(ann), status: 400, feed: 'own' },
  { place: 'as the first of two authors', author: (by, ann) => authorXml(ann) + authorXml(by), status: 400, feed: 'other' },
  {
    place: 'as the author of the source alone',
    author: (_, ann) => `<source><id>s</id>${authorXml(ann)}</source>`,
    status: 400,
    feed: 'other'
  }
]
