/** The environment, read and checked once. Nobody else looks at it. */
import { readFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { join, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Pattern } from './model/patterns.ts'
import { type DatabaseAddress, type Environment, type Fault, findNearMisses, readValues, settings, type Values } from './settings.ts'

/** A PostgreSQL of one's own. `host` is a name, an address or the folder of a socket; `ca` is PEM text. */
export type DatabaseConfig = {
  url?: string
  host: string
  port: number
  user?: string
  password?: string
  name: string
  ssl: 'verify' | 'no-verify' | 'off'
  ca?: string
}

export type Config = {
  /** The origin, without a slash at its end. */
  publicUrl: string
  /** The origin is of this machine alone: peers outside cannot call back. */
  isLoopback: boolean
  /** Host, perhaps with a port, of the handles. */
  handleHost: string
  port: number
  /** The address to listen at; all of them when absent. */
  host?: string
  /** Absent: the bundled PostgreSQL in `dataDir`. */
  database?: DatabaseConfig
  /** Absolute. */
  dataDir: string
  /** Absent: made and kept in `dataDir`, see secret-key.ts. */
  secretKey?: string
  account: string
  blogUrl?: string
  blogFeed?: string
  hubs: string[]
  /** An origin. */
  mastodonHost?: string
  mastodonUser?: string
  mastodonOauthToken?: string
  blogPostPattern?: Pattern
  blogPostPostfix?: string
  /** Has a group `title`. */
  blogTitlePattern?: Pattern
  tootVisibility: 'public' | 'unlisted' | 'private' | 'direct'
  tootLanguage?: string
  tootTemplate?: string
  /** New toots an hour. */
  tootBudget: number
  /** Seconds. */
  publishDelay: number
  dryRun: boolean
  openSearch: boolean
  openHub: boolean
  /** How posts with a title go out by ActivityPub; `both`: an article with a note as its preview (FEP-b2b8). */
  postAs: 'note' | 'article' | 'both'
  /** Which signature other servers' inboxes get first. */
  httpSignature: 'cavage' | 'rfc9421'
  /** How many posts a server gets with its first follower. */
  sendLastPosts: number
  hubSignature: 'auto' | 'sha1' | 'sha256' | 'sha512'
  salmonLegacy: boolean
  moderation: 'first' | 'all' | 'none'
  /** 0: for ever. */
  retentionDays: number
  /** CIDRs. */
  allowAddresses: string[]
  allowHttp: boolean
  /** How many proxies' forwarded addresses count. */
  trustProxy: number
  metricsToken?: string
  publishToken?: string
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent'
  logFormat: 'text' | 'json'
  /** A host that forgets its disk. */
  dyno: boolean
  /** The names of all that was set, in the environment or in `.env`. */
  given: string[]
  /** What is allowed and yet looks like a mistake: sentences for the log. */
  warnings: string[]
}

/** The settings cannot be used. `faults` are all of them; the message has a line for each: `NAME: sentence`. */
export class ConfigFaults extends Error {
  override name = 'ConfigFaults'
  faults: Fault[]
  constructor(faults: Fault[]) {
    super(faults.map(fault => `${fault.name}: ${fault.sentence}`).join('\n'))
    this.faults = faults
  }
}

/**
 * Where the settings are read: `cwd` holds `.env` and is the base of relative paths; `terminal`: people read the log; `logLevel`
 * holds when LOG_LEVEL is not set.
 */
export type Place = { cwd: string; terminal?: boolean; logLevel?: Config['logLevel'] }

/** The configuration of this process. @param usual the LOG_LEVEL that holds when none is set @throws ConfigFaults */
export function readProcessConfig(usual: Config['logLevel'] = 'info'): Config {
  return readConfig(process.env, { cwd: process.cwd(), terminal: process.stdout.isTTY ?? false, logLevel: usual })
}

/**
 * Reads and checks every setting of docs/configuration.md, in the environment or else in the file `.env`. It changes nothing,
 * and reads no file but `.env` and DATABASE_CA.
 * @throws ConfigFaults with all faults at once
 */
export function readConfig(environment: Environment, place: Place): Config {
  const faults: Fault[] = []
  const given = { ...readDotEnv(place.cwd, faults), ...environment }
  const values = readValues(given, faults)
  const { databaseUrl, databaseHost, databasePort, databaseUser, databasePassword, databaseName, databaseSsl, databaseCa, ...plain } =
    values
  const dyno = values.dyno !== undefined
  const origin = decideOrigin(values)
  const database = decideDatabase(values, place.cwd, faults)
  checkTogether(values, given, faults)
  if (faults.length > 0) throw new ConfigFaults(faults)
  return {
    ...defaults,
    trustProxy: dyno ? 1 : 0,
    logFormat: place.terminal ? 'text' : 'json',
    logLevel: place.logLevel ?? 'info',
    ...plain,
    ...origin,
    ...(database && { database }),
    dataDir: resolve(place.cwd, values.dataDir ?? 'data'),
    dyno,
    given: Object.keys(settings).filter(name => given[name]?.trim()),
    warnings: [...findNearMisses(given), ...findOddities(values, origin.port, database)]
  }
}

const defaults = {
  account: 'blog',
  hubs: [],
  tootVisibility: 'public',
  tootBudget: 10,
  publishDelay: 0,
  dryRun: false,
  openSearch: false,
  openHub: false,
  postAs: 'note',
  httpSignature: 'cavage',
  sendLastPosts: 0,
  hubSignature: 'auto',
  salmonLegacy: false,
  moderation: 'first',
  retentionDays: 0,
  allowAddresses: [],
  allowHttp: false
} satisfies Partial<Config>

function readDotEnv(cwd: string, faults: Fault[]): Environment {
  try {
    return parseEnv(readFileSync(join(cwd, '.env'), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') faults.push({ name: '.env', sentence: 'cannot be read' })
    return {}
  }
}

const isLoopbackHost = (host: string) => /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(host)

/** Who we are, and where we listen: on this machine alone while the origin is of this machine alone. */
function decideOrigin(values: Values) {
  const given = values.publicUrl ? new URL(values.publicUrl) : undefined
  const isLoopback = !given || isLoopbackHost(given.hostname)
  const port = values.port ?? (isLoopback && given?.port ? Number(given.port) : 3000)
  const url = given ?? new URL(`http://127.0.0.1:${port}`)
  const literal = url.hostname.replace(/^\[|\]$/g, '')
  // Heroku's router comes from outside, even before PUBLIC_URL is set.
  const host = values.host ?? (isLoopback && values.dyno === undefined ? (isIP(literal) ? literal : '127.0.0.1') : undefined)
  return { publicUrl: url.origin, isLoopback, handleHost: values.handleHost ?? url.host, port, ...(host && { host }) }
}

/** The PostgreSQL of the settings; none is the bundled one. Whoever is not on this machine must prove by TLS who it is. */
function decideDatabase(values: Values, cwd: string, faults: Fault[]): DatabaseConfig | undefined {
  const ca = values.databaseCa && readCertificate(resolve(cwd, values.databaseCa), faults)
  const { mode, ...address } = values.databaseUrl ?? addressOfParts(values) ?? {}
  if (!('host' in address)) return
  const local = address.host.startsWith('/') || isLoopbackHost(isIP(address.host) === 6 ? `[${address.host}]` : address.host)
  const usual = local ? 'off' : values.dyno && !ca ? 'no-verify' : 'verify'
  return { ...address, ssl: values.databaseSsl ?? sslModes.get(mode ?? '') ?? usual, ...(ca && { ca }) }
}

/** libpq's words in ours. Its `require` does not look at the certificate; we do, unless we are told not to. */
const sslModes = new Map<string, DatabaseConfig['ssl']>([
  ['disable', 'off'],
  ['no-verify', 'no-verify'],
  ['require', 'verify'],
  ['verify-ca', 'verify'],
  ['verify-full', 'verify']
])

function addressOfParts(values: Values): DatabaseAddress | undefined {
  const { databaseHost: host, databasePort: port = 5432, databaseUser: user, databasePassword: password, databaseName: name } = values
  if (host && name) return { host, port, ...(user && { user }), ...(password && { password }), name }
}

function readCertificate(path: string, faults: Fault[]): string | undefined {
  try {
    const pem = readFileSync(path, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
    faults.push({ name: 'DATABASE_CA', sentence: 'must name a file with a certificate in PEM form' })
  } catch {
    faults.push({ name: 'DATABASE_CA', sentence: 'must name a file that can be read' })
  }
}

/** What no setting can tell by itself. Names are looked up in what was given: a faulty value was given nevertheless. */
function checkTogether(values: Values, given: Environment, faults: Fault[]): void {
  const has = (name: string) => Boolean(given[name]?.trim())
  const demand = (fine: boolean, name: string, sentence: string) => fine || faults.push({ name, sentence })
  const parts = ['DATABASE_PORT', 'DATABASE_USER', 'DATABASE_PASSWORD', 'DATABASE_NAME'].filter(has)
  const own = has('DATABASE_URL') || has('DATABASE_HOST')
  demand(!(has('DATABASE_URL') && has('DATABASE_HOST')), 'DATABASE_HOST', 'must not be set beside DATABASE_URL')
  demand(!has('DATABASE_HOST') || has('DATABASE_NAME'), 'DATABASE_NAME', 'is needed with DATABASE_HOST')
  for (const name of has('DATABASE_HOST') ? [] : parts) faults.push({ name, sentence: 'is only read with DATABASE_HOST' })
  demand(own || !has('DYNO'), 'DATABASE_URL', 'is missing, and this host forgets its disk: add a PostgreSQL')
  demand(!own || has('SECRET_KEY'), 'SECRET_KEY', 'is needed with a database of your own: 16 characters or more, at random')
  demand(has('MASTODON_HOST') || !has('MASTODON_OAUTH_TOKEN'), 'MASTODON_HOST', 'is needed with MASTODON_OAUTH_TOKEN')
  const isBound = !values.blogPostPattern || values.blogPostPattern.host !== undefined || has('BLOG_URL')
  demand(isBound, 'BLOG_POST_PATTERN', 'must begin with a host such as ^https://blog.example/ unless BLOG_URL is set')
  const plainHttp = values.mastodonHost?.startsWith('http:') ?? false
  demand(!plainHttp || isAllowed(values), 'MASTODON_HOST', 'may use plain http only inside ALLOW_ADDRESSES')
}

/** Whether the Mastodon host may be reached without TLS. A name is not looked up here: the client does when it connects. */
function isAllowed({ mastodonHost = '', allowAddresses = [] }: Values): boolean {
  const host = new URL(mastodonHost).hostname.replace(/^\[|\]$/g, '')
  const family = (address: string) => (isIP(address) === 6 ? 'ipv6' : 'ipv4')
  const ranges = new BlockList()
  for (const [address = '', bits] of allowAddresses.map(range => range.split('/'))) ranges.addSubnet(address, Number(bits), family(address))
  return isIP(host) ? ranges.check(host, family(host)) : allowAddresses.length > 0
}

function findOddities(values: Values, port: number, database: DatabaseConfig | undefined): string[] {
  const url = values.publicUrl ? new URL(values.publicUrl) : undefined
  const own = url !== undefined && isLoopbackHost(url.hostname) && Number(url.port || (url.protocol === 'http:' ? 80 : 443))
  const remote = database && !database.host.startsWith('/') && !isLoopbackHost(database.host)
  const oddities: [boolean, string][] = [
    [values.dyno !== undefined && !url, 'PUBLIC_URL is missing: nothing is sent to others before it is set.'],
    [own !== false && own !== port, `PUBLIC_URL names another port than the one we listen at, ${port}: is there something between?`],
    [url?.protocol === 'http:' && own === false, 'PUBLIC_URL is plain http: many servers refuse to talk to it.'],
    [
      values.blogPostPattern?.host !== undefined &&
        values.blogUrl !== undefined &&
        values.blogPostPattern.host !== new URL(values.blogUrl).host,
      'BLOG_POST_PATTERN names another host than BLOG_URL.'
    ],
    [
      database?.ssl === 'no-verify',
      'The database is reached by TLS, but nothing proves that it is ours: see DATABASE_SSL and DATABASE_CA.'
    ],
    [remote === true && database?.ssl === 'off', 'The database is reached without TLS.'],
    [values.allowAddresses?.some(range => range.endsWith('/0')) ?? false, 'ALLOW_ADDRESSES lets the node reach every private address.']
  ]
  return oddities.flatMap(([found, sentence]) => (found ? [sentence] : []))
}

/** What the first line of the log tells: no secret, and nothing that could hold one. */
export function describeConfig(config: Config): object {
  const { database } = config
  return {
    origin: config.publicUrl,
    handles: `@${config.handleHost}`,
    listens: `${config.host ?? '*'}:${config.port}`,
    database: database ? `${database.host}:${database.port}/${database.name}, TLS ${database.ssl}` : `bundled, in ${config.dataDir}`,
    account: config.account,
    ...(config.blogUrl && { blog: config.blogUrl }),
    ...(config.mastodonHost && { mastodon: config.mastodonHost }),
    hubs: config.hubs.length,
    moderation: config.moderation,
    open: [...(config.openHub ? ['hub'] : []), ...(config.openSearch ? ['search'] : [])],
    ...(config.dryRun && { dryRun: true })
  }
}
