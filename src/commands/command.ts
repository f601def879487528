/** What a command is, and how it speaks: text for people, a line of JSON an object with --json. */
import type { ParseArgsOptionsConfig } from 'node:util'
import { findAccount, onlyAccount } from '../federation/accounts.ts'
import type { Check } from '../model/check.ts'
import { isFailure } from '../model/errors.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'

/**
 * Where a command speaks: `print` is its result, `progress` what happens meanwhile. A line each, without its end. `ask` answers the
 * line that is typed, '' when there is none.
 */
export type Out = { print(line: string): void; progress(line: string): void; ask(question: string): Promise<string> }

/** What was typed behind the command's words; only what the command names in `options` can be there. */
export type Args = {
  positionals: string[]
  json: boolean
  approved?: boolean
  as?: string
  bio?: string
  blocked?: boolean
  blog?: string
  check?: boolean
  'dry-run'?: boolean
  failed?: boolean
  for?: string
  force?: boolean
  hidden?: boolean
  hub?: string
  limit?: string
  out?: string
  opml?: boolean
  pace?: string
  'reply-to'?: string
  text?: string
  title?: string
  to?: string
  /** A visibility for imports, a flag for `publish`. */
  toot?: string | boolean
  topic?: string
  wide?: boolean
}

export type Command = {
  /** `account add` */
  words: string
  /** Behind the words: `NAME [--blog URL]`. `--json` is not named, as every command takes it. */
  usage: string
  /** What it does, for `help`. */
  summary: string
  options?: ParseArgsOptionsConfig
  /** How many positional arguments, at least and at most. */
  takes: [least: number, most: number]
  /** Answers the exit code. @throws one of the four errors, whose sentence is shown before the program ends with 1 */
  run(tools: Tools, args: Args, out: Out): Promise<number>
}

/** An option that has a value, and one that is there or not. */
export const value = { type: 'string' } as const
export const flag = { type: 'boolean' } as const

/** The command line is not of its form. The message ends with the usage. */
export class WrongUsage extends Error {
  override name = 'WrongUsage'
}

/** The account that acts: the one of --as, else the only one. @throws Missing, BadMessage */
export const actingAccount = (tools: Tools, { as }: Pick<Args, 'as'>): Promise<Account> =>
  as === undefined ? onlyAccount(tools) : findAccount(tools, as)

/** Prints a list: an object a line with --json, else rows in columns; `none` when there is nothing. */
export function printList<T>(
  out: Out,
  { json }: Args,
  list: T[],
  none: string,
  asObject: (item: T) => object,
  asRow: (item: T) => string[]
): void {
  if (json) for (const item of list) out.print(JSON.stringify(asObject(item)))
  else if (list.length === 0) out.print(none)
  else for (const line of alignColumns(list.map(asRow))) out.print(line)
}

const SIGNS: Record<Check['state'], string> = { ok: '✓', warning: '!', failure: '✗', skipped: '–' }

/** Prints what checks found: an object each with --json, else a line, with the cure and what came back below it. Answers the exit code. */
export function printChecks(out: Out, { json }: Args, checks: Check[]): number {
  for (const { cure, id, seen, sentence, state } of checks) {
    if (json) out.print(JSON.stringify({ id, state, sentence, cure: orNull(cure), seen: orNull(seen) }))
    else {
      out.print(`${SIGNS[state]} ${sentence}`)
      if (cure !== undefined) out.print(`    ${cure}`)
      if (seen !== undefined) out.print(`    ${[seen.url, seen.status].filter(Boolean).join(' answered ')}`)
      for (const line of seen?.body?.split('\n').slice(0, 5) ?? []) out.print(`    | ${line}`)
    }
  }
  return checks.some(({ state }) => state === 'failure') ? 1 : 0
}

/** Cells are as wide as the widest of their column, the last one as it is. */
function alignColumns(rows: string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map(row => row[column]?.length ?? 0))
  const widths = (rows[0] ?? []).map((_, column) => width(column))
  return rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  )
}

/** A time as people read it, to the second, UTC; `-` when there is none. */
export const showTime = (time: Date | undefined): string =>
  time === undefined ? '-' : time.toISOString().replace('T', ' ').replace(/\.\d+/, '')

/** For JSON, where a field that is empty is null and not left out. */
export const orNull = <T>(value: T | undefined): T | null => value ?? null

/**
 * Strangers write what we print: what steers a terminal, or begins a new line, is shown instead of obeyed. The form is that of
 * JSON, so that a line of JSON stays one.
 */
export const printable = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  )

/** What is told of an error: its sentence when it is one of the four, else where it was thrown too, as it is our defect. */
export function describeError(error: unknown): { error: string; code: string } {
  if (isFailure(error)) return { error: error.message, code: error.code }
  if (error instanceof WrongUsage) return { error: error.message, code: 'usage' }
  return { error: error instanceof Error ? (error.stack ?? error.message) : String(error), code: 'defect' }
}
