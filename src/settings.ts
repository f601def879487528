/**
 * Every setting and the form that its value has; what they mean together is decided in config.ts, what they mean to people is
 * told in docs/configuration.md. A sentence here never repeats the value: it may be a secret.
 */
import { BlockList, isIP } from 'node:net'
import { z } from 'zod'
import { compilePattern, readTemplate, TOOT_PARTS } from './model/patterns.ts'

/** A value that `read` understands; it throws when it does not. */
const form = <T>(sentence: string, read: (text: string) => T) =>
  z.string().transform((text, context) => {
    try {
      return read(text)
    } catch {
      context.addIssue({ code: 'custom', message: sentence, input: '' })
      return z.NEVER
    }
  })

const matching = (pattern: RegExp, sentence: string) => z.string().regex(pattern, sentence)
const text = z.string()
const onOff = z.stringbool({ truthy: ['on', 'true', '1', 'yes'], falsy: ['off', 'false', '0', 'no'], error: 'must be on or off' })

const whole = (least: number, most: number) => {
  const sentence = `must be a whole number from ${least} to ${most}`
  return matching(/^\d{1,9}$/, sentence)
    .transform(Number)
    .refine(number => number >= least && number <= most, sentence)
}

const choice = <const T extends readonly [string, ...string[]]>(...choices: T) =>
  z
    .string()
    .toLowerCase()
    .pipe(z.enum(choices, `must be one of ${choices.join(', ')}`))

const listOf = <T>(sentence: string, read: (item: string) => T) =>
  form(sentence, list =>
    list
      .split(/[\s,]+/)
      .filter(Boolean)
      .map(read)
  )

const demand = (condition: boolean) => {
  if (!condition) throw new Error('not of that form')
}

function readWebUrl(value: string): string {
  const url = new URL(value)
  demand(/^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
  return url.href
}

function readOrigin(value: string): string {
  const url = new URL(readWebUrl(value))
  demand(url.href === `${url.origin}/` && !/^(0\.0\.0\.0|\[::\])$/.test(url.hostname))
  return url.origin
}

function readHost(value: string): string {
  const url = new URL(`https://${value}`)
  demand(url.href === `https://${url.host}/`)
  return url.host
}

/** Bare hosts are meant to be reached by https. */
const readInstance = (value: string) => readOrigin(value.includes('://') ? value : `https://${value}`)

function readRange(value: string): string {
  const [address = '', bits = isIP(address) === 4 ? '32' : '128', rest] = value.split('/')
  demand(isIP(address) > 0 && /^\d{1,3}$/.test(bits) && rest === undefined)
  new BlockList().addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return `${address}/${Number(bits)}`
}

/** A database as its address names it. `mode`: what the address itself says about TLS. */
export type DatabaseAddress = { url?: string; host: string; port: number; user?: string; password?: string; name: string; mode?: string }

/** libpq's forms: `postgres://user:password@host:port/name`, a socket's folder as %2F… in the host or as `?host=/…`. */
function readDatabaseUrl(value: string): DatabaseAddress {
  const url = new URL(value.replace(/^(\w+:\/\/[^@/]*@)\//, '$1localhost/'))
  demand(/^postgres(ql)?:$/.test(url.protocol) && url.pathname.length > 1)
  const asked = url.searchParams
  const mode = asked.get('sslmode')
  return {
    url: url.href,
    host: asked.get('host') ?? (decodeURIComponent(url.hostname).replace(/^\[|\]$/g, '') || 'localhost'),
    port: Number(url.port || asked.get('port') || 5432),
    ...(url.username && { user: decodeURIComponent(url.username) }),
    ...(url.password && { password: decodeURIComponent(url.password) }),
    name: decodeURIComponent(url.pathname.slice(1)),
    ...(mode && { mode })
  }
}

const webUrl = form('must be a web address (http or https) without user and password', readWebUrl)
const PATTERN = 'must be a regular expression as RE2 takes it, without look-around and back-references'

export const settings = {
  PUBLIC_URL: form('must be http:// or https://, a host and perhaps a port, and nothing behind it', readOrigin),
  HANDLE_HOST: form('must be a host, perhaps with a port, and nothing else', readHost),
  PORT: whole(1, 65535),
  HOST: matching(/^[\w.:-]+$/, 'must be an address of this machine, or its name'),
  DATABASE_URL: form('must have the form postgres://user:password@host:5432/name', readDatabaseUrl),
  DATABASE_HOST: matching(/^(\/.*|[\w.:-]+)$/, "must be a host, or the folder of the server's socket"),
  DATABASE_PORT: whole(1, 65535),
  DATABASE_USER: text,
  DATABASE_PASSWORD: text,
  DATABASE_NAME: text,
  DATABASE_SSL: choice('verify', 'no-verify', 'off'),
  DATABASE_CA: text,
  DATA_DIR: text,
  SECRET_KEY: z.string().min(16, 'must have 16 characters or more'),
  ACCOUNT: matching(/^[a-z0-9_]{1,30}$/, 'must have 1 to 30 of the characters a to z, 0 to 9 and _'),
  BLOG_URL: webUrl,
  BLOG_FEED: webUrl,
  HUBS: listOf('must be a list of web addresses, separated by spaces or commas', readWebUrl),
  MASTODON_HOST: form('must be a host, perhaps with a port', readInstance),
  MASTODON_USER: text,
  MASTODON_OAUTH_TOKEN: text,
  BLOG_POST_PATTERN: form(PATTERN, source => compilePattern(source)),
  BLOG_POST_POSTFIX: text,
  BLOG_TITLE_PATTERN: form(`${PATTERN}, with a group (?<title>…)`, source => compilePattern(source, 'title')),
  TOOT_VISIBILITY: choice('public', 'unlisted', 'private', 'direct'),
  TOOT_LANGUAGE: matching(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'must be a language tag such as en or pt-BR'),
  TOOT_TEMPLATE: form(`must hold {url}, and in braces nothing but ${TOOT_PARTS.join(', ')}`, readTemplate),
  TOOT_BUDGET: whole(0, 1000),
  PUBLISH_DELAY: whole(0, 86_400),
  DRY_RUN: onOff,
  OPEN_SEARCH: onOff,
  OPEN_HUB: onOff,
  POST_AS: choice('note', 'article', 'both'),
  HTTP_SIGNATURE: choice('cavage', 'rfc9421'),
  SEND_LAST_POSTS: whole(0, 20),
  HUB_SIGNATURE: choice('auto', 'sha1', 'sha256', 'sha512'),
  SALMON_LEGACY: onOff,
  MODERATION: choice('first', 'all', 'none'),
  RETENTION_DAYS: whole(0, 36_500),
  ALLOW_ADDRESSES: listOf('must be a list of address ranges such as 127.0.0.0/8, separated by spaces or commas', readRange),
  ALLOW_HTTP: onOff,
  TRUST_PROXY: whole(0, 10),
  METRICS_TOKEN: text,
  PUBLISH_TOKEN: text,
  LOG_LEVEL: choice('debug', 'info', 'warn', 'error', 'silent'),
  LOG_FORMAT: choice('text', 'json'),
  DYNO: text
}

export type SettingName = keyof typeof settings

type Camel<T extends string> = T extends `${infer Head}_${infer Rest}` ? `${Lowercase<Head>}${Capitalize<Camel<Rest>>}` : Lowercase<T>

/** What was set, by the names that the code uses: PUBLIC_URL is `publicUrl`. What was not set, or is faulty, is absent. */
export type Values = { [name in SettingName as Camel<name>]?: z.output<(typeof settings)[name]> }

export type Environment = Record<string, string | undefined>
export type Fault = { name: string; sentence: string }

/** Reads every setting by itself, and adds a fault for each that is not of its form. An empty value is no value. */
export function readValues(given: Environment, faults: Fault[]): Values {
  const values: Record<string, unknown> = {}
  for (const [name, form] of Object.entries(settings)) {
    const text = given[name]?.trim()
    if (!text) continue
    const result = form.safeParse(text)
    if (result.success) values[camel(name)] = result.data
    else faults.push({ name, sentence: result.error.issues[0]?.message ?? 'cannot be read' })
  }
  return values
}

const camel = (name: string) => name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase())

/** A sentence for each name that is not ours, but looks as if it was meant to be: DATABASE_URI, MASTODON_TOKEN. */
export function findNearMisses(given: Environment): string[] {
  const ours = Object.keys(settings)
  return Object.keys(given).flatMap(name => {
    if (name in settings || !/^[A-Z][A-Z_]{2,40}$/.test(name)) return []
    const near = ours.find(setting => looksLike(name, setting))
    if (near) return [`${name} is not a setting; did you mean ${near}?`]
    return /^(DATABASE|MASTODON|BLOG|TOOT)_/.test(name) ? [`${name} is not a setting.`] : []
  })
}

/** Short names are close to everything (HOME, HOST), so only one letter may differ in them. */
const looksLike = (name: string, setting: string) =>
  name.slice(0, 2) === setting.slice(0, 2) && distance(name, setting) <= (setting.length < 6 ? 1 : 2)

/** Levenshtein's: how many letters must be added, removed or changed. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, column) => column)
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1]
    for (let column = 1; column <= other.length; column++) {
      const changed = row[column - 1]! + (letter === other[column - 1] ? 0 : 1)
      next.push(Math.min(changed, row[column]! + 1, next[column - 1]! + 1))
    }
    row = next
  }
  return row[other.length]!
}
