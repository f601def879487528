/**
 * The four ways in which something fails that is not our defect. `web/guard` turns them into a status, `jobs/worker`
 * into drop or retry; nobody else translates them. The message is a sentence that may be shown to people.
 */
type Details = { status?: number; code?: string; retryAfter?: number; cause?: unknown }

class Failure extends Error {
  status: number
  code: string
  /** Seconds after which to come again. */
  retryAfter: number | undefined
  constructor(message: string, details: Details & { status: number; code: string }) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.status = details.status
    this.code = details.code
    this.retryAfter = details.retryAfter
  }
}

/** It cannot be read. 400; 413 and 415 too. */
export class BadMessage extends Failure {
  override name = 'BadMessage'
  constructor(message: string, details: Details = {}) {
    super(message, { status: 400, code: 'bad_message', ...details })
  }
}

/** It was read, but it is not allowed or not genuine. 403; 401, 409, 410, 422, 429 too. */
export class Refused extends Failure {
  override name = 'Refused'
  constructor(message: string, details: Details = {}) {
    super(message, { status: 403, code: 'refused', ...details })
  }
}

/** There is no such thing here. 404. */
export class Missing extends Failure {
  override name = 'Missing'
  constructor(message: string, details: Details = {}) {
    super(message, { status: 404, code: 'not_found', ...details })
  }
}

/** The other side failed. 502; 503 too. `peer` is the status that the peer answered, when it did. */
export class Unreachable extends Failure {
  override name = 'Unreachable'
  peer: number | undefined
  constructor(message: string, details: Details & { peer?: number } = {}) {
    super(message, { status: 502, code: 'unreachable', ...details })
    this.peer = details.peer
  }
}

export type { Details, Failure }

/** True for the four of this file: what the edge may show. */
export function isFailure(error: unknown): error is Failure {
  return error instanceof Failure
}
