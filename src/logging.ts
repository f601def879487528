/** The log: JSON for machines, a line for people; nothing in it opens a door. */
import { writeSync } from 'node:fs'
import pino, { type Logger } from 'pino'
import type { Config } from './config.ts'
import { isFailure } from './model/errors.ts'
import { HIDDEN, hideSecrets, isSecretName, type Log } from './model/log.ts'

type Stream = { write(text: string): unknown }

/** How deep fields are shown, and how many of a list or an object. */
const DEEPEST = 4
const MOST = 50

/**
 * @param options LOG_LEVEL and LOG_FORMAT
 * @param stream where the lines go; commands that print their result give stderr
 */
export function makeLog(options: { level: Config['logLevel']; format: Config['logFormat'] }, stream: Stream = process.stdout): Log {
  const write =
    options.format === 'text' ? (line: string) => stream.write(formatLine(JSON.parse(line))) : (line: string) => stream.write(line)
  const settings = {
    level: options.level,
    base: null,
    messageKey: 'message',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (level: string) => ({ level }) }
  }
  return wrap(pino(settings, { write }))
}

const GATHER_MS = 50
const GATHER_LENGTH = 16_384

/**
 * Lines go out together: a write for each would cost a busy node a sixth of its time. Nothing stays longer than a moment, and
 * what is left when the process ends is written then.
 * @param descriptor 1 or 2
 */
export function gather(descriptor: 1 | 2): Stream & { flush(): void } {
  let waiting = ''
  let timer: NodeJS.Timeout | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const text = waiting
    waiting = ''
    writeAll(descriptor, text)
  }
  process.on('exit', flush)
  return {
    flush,
    write(text) {
      waiting += text
      if (waiting.length >= GATHER_LENGTH) flush()
      else timer ??= setTimeout(flush, GATHER_MS).unref()
    }
  }
}

/** A pipe may be full for a moment (EAGAIN); whoever has gone away (EPIPE) misses the rest. */
function writeAll(descriptor: number, text: string): void {
  for (let rest = Buffer.from(text); rest.length > 0; ) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') return
      Atomics.wait(pause, 0, 0, 5)
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4))

/** Everything is cleaned here, before pino sees it: its own redaction knows paths, not names at any depth. */
function wrap(logger: Logger): Log {
  const line = (level: 'debug' | 'info' | 'warn' | 'error') => (fields: object, message: string) => {
    if (logger.isLevelEnabled(level)) logger[level](clean(fields, 0) as object, hideSecrets(message))
  }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: fields => wrap(logger.child(clean(fields, 0) as object))
  }
}

function clean(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return hideSecrets(value)
  if (typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return describeError(value, depth)
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  if (value instanceof URL) return hideSecrets(value.href)
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`
  if (depth === DEEPEST) return HIDDEN
  if (Array.isArray(value)) return value.slice(0, MOST).map(item => clean(item, depth + 1))
  const pairs = Object.entries(value).slice(0, MOST)
  return Object.fromEntries(pairs.map(([name, item]) => [name, isSecretName(name) ? HIDDEN : clean(item, depth + 1)]))
}

/** The four failures are no defects of ours: where they were thrown is of no interest. */
function describeError(error: Error & { code?: unknown }, depth: number): object {
  return {
    type: error.name,
    message: hideSecrets(error.message),
    ...(error.code !== undefined && { code: error.code }),
    ...(!isFailure(error) && error.stack && { stack: hideSecrets(error.stack) }),
    ...(error.cause !== undefined && depth < DEEPEST && { cause: clean(error.cause, depth + 1) })
  }
}

type Fields = Record<string, unknown>

/** `12:03:04 info  request GET /users/ann.atom 200 3ms host=…`, the stack of a defect below it. */
function formatLine(line: Fields): string {
  const { level, time, message, method, path, job, status, outcome, ms, ...rest } = line
  const stacks = findStacks(rest)
  const bare = [message, method, path, job, status, outcome, typeof ms === 'number' ? `${ms}ms` : undefined]
  const parts = [
    String(time).slice(11, 19),
    String(level).padEnd(5),
    ...bare.filter(value => value !== undefined).map(value => printable(String(value))),
    ...Object.entries(rest).map(([name, value]) => `${name}=${show(value)}`)
  ]
  return `${[parts.join(' '), ...stacks].join('\n')}\n`
}

function findStacks(fields: Fields): string[] {
  return Object.values(fields).flatMap(value => {
    if (typeof value !== 'object' || value === null || !('stack' in value)) return []
    const stack = String(value.stack)
    Reflect.deleteProperty(value, 'stack')
    return stack.split('\n').map(line => `         ${printable(line)}`)
  })
}

const show = (value: unknown) =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) ? printable(value) : printable(JSON.stringify(value))

/** Strangers write into our log: what steers a terminal, or begins a new line, is shown instead of obeyed. */
const printable = (text: string) =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    sign => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`
  )
