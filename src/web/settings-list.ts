/** Every setting of docs/configuration.md as its page shows it: what holds, and whether it was set. Secrets are never shown. */
import type { Tools } from '../tools.ts'

type Config = Tools['config']
type Value = string | number | boolean | string[] | undefined

/** `value` is absent where there is none, and of what nobody is to see; `given`: by the environment or by `.env`. */
export type SettingView = { name: string; value?: string | boolean; given: boolean }
export type SettingsView = { area: string; settings: SettingView[] }[]

/** Shown as set or not, never as they are: the address of a database has its password in it. */
const SECRET = new Set([
  ...['DATABASE_URL', 'DATABASE_PASSWORD', 'DATABASE_CA', 'SECRET_KEY', 'MASTODON_OAUTH_TOKEN', 'METRICS_TOKEN', 'PUBLISH_TOKEN']
])

/** What holds of each setting, by the areas of docs/configuration.md. */
const areas = (config: Config): Record<string, Record<string, Value>> => ({
  place: {
    ...{ PUBLIC_URL: config.publicUrl, HANDLE_HOST: config.handleHost, PORT: config.port, HOST: config.host },
    TRUST_PROXY: config.trustProxy
  },
  kept: {
    ...{ DATABASE_URL: undefined, DATABASE_HOST: config.database?.host, DATABASE_PORT: config.database?.port },
    ...{ DATABASE_USER: config.database?.user, DATABASE_PASSWORD: undefined, DATABASE_NAME: config.database?.name },
    ...{ DATABASE_SSL: config.database?.ssl, DATABASE_CA: undefined, DATA_DIR: config.dataDir, SECRET_KEY: undefined },
    RETENTION_DAYS: config.retentionDays
  },
  blog: {
    ...{ ACCOUNT: config.account, BLOG_URL: config.blogUrl, BLOG_FEED: config.blogFeed, PUBLISH_DELAY: config.publishDelay },
    ...{ PUBLISH_TOKEN: undefined, HUBS: config.hubs, MODERATION: config.moderation }
  },
  toots: {
    ...{ MASTODON_HOST: config.mastodonHost, MASTODON_USER: config.mastodonUser, MASTODON_OAUTH_TOKEN: undefined },
    ...{ BLOG_POST_PATTERN: config.blogPostPattern?.source, BLOG_POST_POSTFIX: config.blogPostPostfix },
    ...{ BLOG_TITLE_PATTERN: config.blogTitlePattern?.source, TOOT_VISIBILITY: config.tootVisibility, TOOT_LANGUAGE: config.tootLanguage },
    ...{ TOOT_TEMPLATE: config.tootTemplate?.replaceAll('\n', '\\n'), TOOT_BUDGET: config.tootBudget, DRY_RUN: config.dryRun }
  },
  others: {
    ...{ OPEN_SEARCH: config.openSearch, OPEN_HUB: config.openHub, POST_AS: config.postAs, HTTP_SIGNATURE: config.httpSignature },
    ...{ SEND_LAST_POSTS: config.sendLastPosts, HUB_SIGNATURE: config.hubSignature, SALMON_LEGACY: config.salmonLegacy },
    ...{ ALLOW_ADDRESSES: config.allowAddresses, ALLOW_HTTP: config.allowHttp }
  },
  operation: { METRICS_TOKEN: undefined, LOG_LEVEL: config.logLevel, LOG_FORMAT: config.logFormat, DYNO: config.dyno }
})

export function listSettings(config: Config): SettingsView {
  return Object.entries(areas(config)).map(([area, values]) => ({
    area,
    settings: Object.entries(values).map(([name, value]) => showSetting(config, name, value))
  }))
}

/** One setting, if it was given: then it cannot be changed on a page. */
export function findGiven(config: Config, name: string): SettingView | undefined {
  if (!config.given.includes(name)) return undefined
  const area = Object.values(areas(config)).find(values => Object.hasOwn(values, name))
  return showSetting(config, name, area?.[name])
}

function showSetting({ given }: Config, name: string, value: Value): SettingView {
  const text = Array.isArray(value) ? value.join(', ') : typeof value === 'number' ? String(value) : value
  const hidden = SECRET.has(name) || text === undefined || text === ''
  return { name, given: given.includes(name), ...(hidden ? {} : { value: text }) }
}
