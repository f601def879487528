/** What was asked and what came back, for people to see: `body` is the beginning of it. */
export type Seen = { url: string; status?: number; body?: string }

/**
 * What a check found. `sentence` tells it and `cure` what to do about it, both in plain English, as failures are; `skipped` says why it
 * was not made.
 */
export type Check = {
  id: string
  state: 'ok' | 'warning' | 'failure' | 'skipped'
  sentence: string
  cure?: string
  seen?: Seen
}
