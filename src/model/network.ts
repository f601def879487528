import type { Actor } from './kept.ts'

/** How somebody's posts come here. */
export type Network = 'local' | 'activitypub' | 'ostatus' | 'feed' | 'mastodon'

/**
 * Somebody who is known by both speaks ActivityPub (X19). Whoever has an endpoint for Salmon speaks OStatus; of the others we have no
 * more than a feed.
 */
export function networkOf({ localName, salmonUrl, speaks }: Actor): Exclude<Network, 'mastodon'> {
  if (localName !== undefined) return 'local'
  return speaks === 'activitypub' ? speaks : salmonUrl === undefined ? 'feed' : 'ostatus'
}
