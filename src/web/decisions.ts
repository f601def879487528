/** What addresses of the pages of moderation say: what was done just now, and where a page of decisions begins. */
import type { Context } from 'koa'
import type { DecidedPlace } from '../federation/decided.ts'
import { BadMessage } from '../model/errors.ts'
import { parametersOf } from './paging.ts'

const DONE = ['approve', 'hide', 'block', 'unhide', 'unapprove', 'unblock', 'list'] as const

/** What the owner just did, and to how many. */
export type Did = { what: (typeof DONE)[number]; count: number }

/** Of the address: whoever writes another reads another sentence. */
export function readDid(ctx: Context): { did?: Did } {
  const parameters = parametersOf(ctx)
  const count = Number(parameters.get('count') ?? '')
  const what = DONE.find(one => one === parameters.get('did'))
  return what === undefined || !Number.isSafeInteger(count) || count < 0 ? {} : { did: { what, count } }
}

export const writeDecidedPlace = ({ at, subject }: DecidedPlace): string => `${at.getTime()}_${encodeURIComponent(subject)}`

/** @throws BadMessage */
export function readDecidedPlace(text: string): DecidedPlace {
  const [, time, subject = ''] = /^(\d{1,13})_(.+)$/s.exec(text) ?? []
  if (time === undefined || subject.includes('\0'))
    throw new BadMessage('There is no such page: `after` is not one of ours.', { code: 'cursor' })
  return { at: new Date(Number(time)), subject }
}
