/** GET /api/comments, /api/counts: the conversation under a blog post, for the page of the blog (interface.md 4). */
import Router from '@koa/router'
import { type Comment, type Conversation, type Counts, conversation, countConversation, type Face } from '../federation/comments.ts'
import { findSubject, type Subject } from '../federation/gather.ts'
import { BadMessage, isFailure } from '../model/errors.ts'
import { TYPE } from '../protocol/names.ts'
import { MODERATED, type Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { allowBlogs } from './cors.ts'
import { makeGatherLimit } from './limits.ts'
import { parametersOf } from './paging.ts'

const MOST_COUNTS = 50
/** How long an answer may be old beside its Cache-Control. */
const MEMORY = { subjects: { ms: 5_000, most: 1_000 }, comments: { ms: 5_000, most: 100 }, counts: { ms: 30_000, most: 2_000 } }

/** Nothing here ever asks another server: what is due to be asked is put into the queue. */
export function commentsRoutes(tools: Tools): Router {
  const router = new Router()
  const open = allowBlogs(tools)
  const written = makeMemory<Written>(tools, MEMORY.comments)
  const counted = makeMemory<Counts>(tools, MEMORY.counts)
  const takeTurn = makeGatherLimit(tools)
  // an address may be written in many ways: by each of them a conversation is found, and gathered once
  const subjects = makeMemory<Subject>(tools, MEMORY.subjects)
  const find = (address: string) => subjects.get(address, () => findSubject(tools, address))
  const count = async (address: string, from: string) => {
    const subject = await find(address).catch(ifFailed(undefined))
    if (subject === undefined) return undefined
    const letIn = () => takeTurn.counts(from)
    return counted.get(subject.url, () => countConversation(tools, subject), letIn)
  }
  router.options(['/api/comments', '/api/counts'], open)
  router.get('/api/comments', open, async ctx => {
    const parameters = parametersOf(ctx)
    const after = parameters.get('after') ?? undefined
    const subject = await find(parameters.get('url') ?? '')
    const gather = async () => jsonOf(writeConversation(tools, await conversation(tools, subject, after)))
    send(ctx, await written.get(JSON.stringify([subject.url, after]), gather, () => takeTurn.comments(ctx.ip)))
  })
  router.get('/api/counts', open, async ctx => {
    const addresses = [...new Set(parametersOf(ctx).getAll('url'))]
    if (addresses.length === 0) throw new BadMessage('The addresses of pages are missing: ?url=…&url=…', { code: 'no_url' })
    if (addresses.length > MOST_COUNTS) throw new BadMessage(`At most ${MOST_COUNTS} pages are counted at once.`, { code: 'too_many' })
    const counts: [string, Counts][] = []
    // one after the other: a blog's index does not take all connections to the database
    for (const address of addresses) {
      const counted = await count(address, ctx.ip)
      if (counted !== undefined) counts.push([address, counted])
    }
    send(ctx, jsonOf({ counts: Object.fromEntries(counts) }))
  })
  return router
}

function jsonOf(answer: object): Written {
  const headers = { 'Cache-Control': 'public, max-age=30', 'X-Content-Type-Options': 'nosniff' }
  return written(JSON.stringify(answer), { 'Content-Type': `${TYPE.json}; charset=utf-8`, ...headers })
}

/**
 * What is read, once for all who ask for it within a time: a post that everybody looks at is gathered once. A decision of the owner
 * counts at once; what failed is not kept. Whoever asks for what is not at hand must be let in first.
 */
function makeMemory<T>({ clock, onChange }: Tools, { ms, most }: { ms: number; most: number }) {
  const kept = new Map<string, { value: Promise<T>; until: number }>()
  onChange(told => {
    if (told === MODERATED || told === '*') kept.clear()
  })
  const atHand = (key: string): Promise<T> | undefined => {
    const known = kept.get(key)
    return known !== undefined && clock().getTime() < known.until ? known.value : undefined
  }
  return {
    async get(key: string, read: () => Promise<T>, letIn?: () => Promise<void>): Promise<T> {
      if (letIn !== undefined && atHand(key) === undefined) await letIn()
      const known = atHand(key)
      if (known !== undefined) return known
      const mine = { value: read(), until: clock().getTime() + ms }
      kept.delete(key)
      kept.set(key, mine)
      if (kept.size > most) kept.delete(kept.keys().next().value!)
      mine.value.catch(() => {
        if (kept.get(key) === mine) kept.delete(key)
      })
      return mine.value
    }
  }
}

/** A page that is not known, or is none, is left out. */
function ifFailed<T>(instead: T): (error: unknown) => T {
  return error => {
    if (isFailure(error)) return instead
    throw error
  }
}

/** As interface.md 4 names it. What is not there is null. */
function writeConversation({ addresses }: Tools, { comments, counts, faces, links, next, url }: Conversation): object {
  const nextPage = next === undefined ? null : `${addresses.origin}/api/comments?${new URLSearchParams({ url, after: next })}`
  return {
    url,
    counts,
    comments: comments.map(writeComment),
    faces: { likes: faces.likes.map(writeFace), shares: faces.shares.map(writeFace) },
    links: {
      ...{ post: links.post ?? null, toot: links.toot ?? null, next: nextPage },
      reply: `${addresses.origin}/api/remote?${new URLSearchParams({ url })}`
    }
  }
}

const writeFace = ({ avatar = null, handle = null, name, url = null }: Nullable<Face>) => ({ name, handle, url, avatar })

type Nullable<T> = { [K in keyof T]: T[K] | null }

function writeComment({ author, html, id, inReplyTo, language, network, published, updated, url, warning }: Comment): object {
  return {
    ...{ id, url: url ?? null, author: writeFace(author), published, updated: updated ?? null, html },
    ...{ warning: warning ?? null, language: language ?? null, in_reply_to: inReplyTo ?? null, network }
  }
}
