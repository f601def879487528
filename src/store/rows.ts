import type { Knex } from 'knex'

/** A connection or a transaction: store files do not need to know which. */
export type Db = Knex

/**
 * A row as the model has it: snake_case names become camelCase, nulls are left out, jsonb and timestamps are parsed already.
 * The only place where column names turn into names of the model.
 */
export function fromRow<T>(row: Record<string, unknown>): T {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(row)) if (value !== null) out[camel(name)] = value
  return out as T
}

const names = new Map<string, string>()

function camel(name: string): string {
  let known = names.get(name)
  if (known === undefined) {
    known = name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
    names.set(name, known)
  }
  return known
}

/** The columns of a change: camelCase to snake_case; `undefined` is left alone, `null` clears. */
export function toRow(change: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(change)) {
    if (value !== undefined) out[name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)] = value
  }
  return out
}

/** All optional and required fields of T, each of which may be null: a change that can also clear. */
export type Change<T> = { [K in keyof T]?: T[K] | null | undefined }
