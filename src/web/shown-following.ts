/** Whom the owner follows, and lists that are imported, as pages show them. */
import type { Progress } from '../federation/follow-list.ts'
import type { Import, ImportItem, ImportState } from '../model/imports.ts'
import { networkOf } from '../model/network.ts'
import { readWebAddress } from '../protocol/web-address.ts'
import type { Read } from '../tools.ts'
import { type PersonView, type Pictures, type PlaceView, showPerson, showPlace, showTime, type TimeView, type Viewer } from './shown.ts'

/** `how`: by what new posts come; `host` of the hub that pushes; `error` a sentence of ours. */
export type ReadView = {
  id: string
  person: PersonView
  by: string
  network: ReturnType<typeof networkOf>
  how: 'inbox' | 'pushed' | 'polled' | 'gone' | 'trouble' | 'none'
  host?: string
  feed?: PlaceView
  error?: string
  read?: TimeView
  lastPost?: TimeView
}

export type AskedView = { id: string; person: PersonView; by: string; since: TimeView }

/** A list that is or was imported. */
export type ImportView = { id: string; name?: string; by: string; begun: TimeView; progress: Progress; ended: boolean }

export type FollowingView = {
  problem?: string
  /** What the owner just did: who is followed now, and which feeds their page names besides. */
  followed?: { person: PersonView; asked: boolean; already: boolean; by: string; others: { url: string; name: string }[] }
  /** What was typed, when it failed. */
  q?: string
  list?: string
  people: ReadView[]
  asked: AskedView[]
  older?: string
  words?: string
  before?: string
  imports: ImportView[]
  /** `url` only once, when it was made just now. */
  feed: { madeAt?: TimeView; url?: string }
}

export type ImportedView = {
  list: ImportView
  items: { who: string; place?: PlaceView; page?: string; title?: string; state: ImportState; why?: string }[]
  onlyFailed: boolean
  failed: number
  more?: string
}

export function showRead(viewer: Viewer, { actor, lastPost, subscription, via }: Read, by: string, pictures: Pictures): ReadView {
  const host = readWebAddress(subscription?.hub)?.host
  const feed = showPlace(subscription?.url)
  const read = [subscription?.pushedAt, subscription?.polledAt].filter(time => time !== undefined).sort((a, b) => +b - +a)[0]
  return {
    ...{ id: actor.id, person: showPerson(viewer, actor, pictures), by, how: howOf(via, subscription) },
    network: networkOf(actor),
    ...(host === undefined ? {} : { host }),
    ...(feed === undefined || via === 'inbox' ? {} : { feed }),
    ...(subscription?.error === undefined ? {} : { error: subscription.error }),
    ...(read === undefined || via === 'inbox' ? {} : { read: showTime(read) }),
    ...(lastPost === undefined ? {} : { lastPost: showTime(lastPost) })
  }
}

function howOf(via: string, feed: Read['subscription']): ReadView['how'] {
  if (via === 'inbox' || via === 'local') return 'inbox'
  if (feed === undefined) return 'none'
  if (feed.state === 'gone') return 'gone'
  if (feed.pollFailures > 0) return 'trouble'
  return feed.state === 'active' ? 'pushed' : 'polled'
}

export const showImport = ({ createdAt, endedAt, id, name }: Import, by: string, progress: Progress): ImportView => ({
  ...{ id, by, progress, begun: showTime(createdAt), ended: endedAt !== undefined },
  ...(name === undefined ? {} : { name })
})

export function showItem({ actorId, state, title, who, why }: ImportItem): ImportedView['items'][number] {
  const place = showPlace(who)
  return {
    ...{ who, state },
    ...(place === undefined ? {} : { place }),
    ...(actorId === undefined ? {} : { page: `/people/${actorId}` }),
    ...(title === undefined ? {} : { title }),
    ...(why === undefined ? {} : { why })
  }
}
