/** A list of whom to follow, as an account was given it. `name` is that of the file. It has ended when nothing of it waits any more. */
export type Import = { id: string; accountId: string; name?: string; createdAt: Date; endedAt?: Date }

/**
 * What came of one of a list. `already`: followed before; `asked`: followed when they accept; `none`: there is neither a feed nor an
 * account; `dead`: it failed, `why` says how. `waiting` with a `why` has failed, and is tried once more.
 */
export type ImportState = 'waiting' | 'followed' | 'asked' | 'already' | 'none' | 'dead'

/** `who` is what `follow` takes: an address or user@host. `actorId`: who it is. */
export type ImportItem = {
  importId: string
  place: number
  who: string
  title?: string
  state: ImportState
  tries: number
  dueAt: Date
  actorId?: string
  why?: string
}
