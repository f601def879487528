/** How the stand-in for Mastodon goes wrong when a test wants it to. Faults are used up in the order in which they were asked for. */
import type { Answer } from './mastodon-api-http.ts'
import type { Asked } from './mastodon-api-world.ts'

/** Which requests: any, unless told. `path` is exact, or a beginning that ends in `*`; `times` how many of them. */
export type Where = { method?: string; path?: string; times?: number }
/** `body` as JSON, or as it is when it is text; left out, the words of Mastodon. `retryAfter` in seconds, or a date. */
export type Failure = Where & { status: number; retryAfter?: number | string; body?: unknown; headers?: Record<string, string> }

/** What goes wrong: answered without being done, never answered, cut before or after it is done, answered after `ms`. */
export type Fault =
  | { kind: 'fail'; answer: Answer }
  | { kind: 'silent' }
  | { kind: 'drop' }
  | { kind: 'cut' }
  | { kind: 'late'; ms: number }

export type Faults = ReturnType<typeof makeFaults>

const POSTING: Where = { method: 'POST', path: '/api/v1/statuses' }

const words: Record<number, string> = {
  401: 'The access token is invalid',
  403: 'This action is not allowed',
  404: 'Record not found',
  422: "Validation failed: Text can't be blank",
  429: 'Too many requests',
  500: "We're sorry, but something went wrong on our end.",
  503: 'There was a temporary problem serving your request, please try again'
}

export const fits = ({ method, path = '*' }: Where, asked: { method: string; path: string }): boolean =>
  (!method || method === asked.method) && (path.endsWith('*') ? asked.path.startsWith(path.slice(0, -1)) : asked.path === path)

export function makeFaults() {
  let waiting: { fault: Fault; where: Where; left: number }[] = []
  let pause: { ms: number; where: Where } | undefined
  const add = (fault: Fault, where: Where, times = 1) => void waiting.push({ fault, where, left: where.times ?? times })
  return {
    fail: ({ status, retryAfter, body, headers, ...where }: Failure) =>
      add({ kind: 'fail', answer: failed(status, body, retryAfter, headers) }, where),
    /** Every one from now on, unless `times` tells. */
    silent: (where: Where = {}) => add({ kind: 'silent' }, where, Number.POSITIVE_INFINITY),
    drop: (where: Where = {}) => add({ kind: 'drop' }, where),
    cut: (where: Where = {}) => add({ kind: 'cut' }, { ...POSTING, ...where }),
    late: (ms: number, where: Where = {}) => add({ kind: 'late', ms }, { ...POSTING, ...where }),
    /** Before anything is done, and besides other faults; 0 ends it. */
    slow(ms: number, where: Where = {}) {
      pause = { ms, where }
    },
    calm() {
      waiting = []
      pause = undefined
    },
    pauseFor: (asked: Asked): number => (pause && fits(pause.where, asked) ? pause.ms : 0),
    /** The first that is meant for the request, used once. */
    take(asked: Asked): Fault | undefined {
      const found = waiting.find(({ where, left }) => left > 0 && fits(where, asked))
      if (found) found.left--
      return found?.fault
    }
  }
}

function failed(status: number, body: unknown, retryAfter?: number | string, headers?: Record<string, string>): Answer {
  const said = typeof body === 'string' ? { html: body } : { json: body ?? { error: words[status] ?? 'Something is wrong' } }
  return { status, ...said, headers: { ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }), ...headers } }
}
