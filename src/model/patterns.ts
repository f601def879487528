/**
 * Regular expressions and templates that the owner writes. They are held against what strangers send, so they run on an engine
 * whose time grows with the text alone (requirements T7).
 */
import { RE2JS } from 're2js'

/**
 * Begins at the start of a text, as Python's `re.match` does; nothing is asked of the end. `host` is the literal host of a pattern
 * of web addresses, perhaps with a port: what does not lie there is not meant, whatever the dots in the pattern would match.
 */
export type Pattern = {
  source: string
  host?: string
  matches(text: string): boolean
  /** What a named group took; undefined when the text does not match, or the group took no part. */
  group(text: string, name: string): string | undefined
}

const LONGEST = 1000

/**
 * Compiles RE2's syntax, with groups written `(?P<name>…)` or `(?<name>…)`.
 * @param group a named group that the pattern must have
 * @throws Error when it is too long, is not of that syntax (look-around and back-references are not) or lacks the group
 */
export function compilePattern(source: string, group?: string): Pattern {
  if (source.length > LONGEST) throw new Error(`The pattern is longer than ${LONGEST} characters.`)
  const compiled = RE2JS.compile(source)
  if (group !== undefined && !Object.hasOwn(compiled.namedGroups(), group)) throw new Error(`The pattern has no group "${group}".`)
  const host = literalHost(source)
  return {
    source,
    ...(host === undefined ? {} : { host }),
    matches: text => compiled.matcher(text).lookingAt(),
    group(text, name) {
      const matcher = compiled.matcher(text)
      const isThere = Object.hasOwn(compiled.namedGroups(), name) && matcher.lookingAt()
      return isThere ? (matcher.group(name) ?? undefined) : undefined
    }
  }
}

const SCHEME = String.raw`(?:https?\??|http\((?:\?:)?s\)\?|\((?:\?:)?(?:https?\??|https?\|https?)\))`
const SLASH = String.raw`(?:\\?\/|\[\/\])`
/** Letters and dots, escaped or not, none of them optional or repeated, up to where a path begins or the pattern ends. */
const HOST = String.raw`(?:(?:[\p{L}\p{N}_\-]|\\[.\-]|\.|\[\.\])(?![?*+\{]))+(?:\\?:\d+)?`
const URL_PATTERN = new RegExp(
  String.raw`^(?:\(\?i\))?(?:\^|\\A)?${SCHEME}\\?:${SLASH}{2}(${HOST})(?=$|${SLASH}|\$|\\[zb]|\((?:\?:)?(?:${SLASH}|\$))`,
  'u'
)

function literalHost(source: string): string | undefined {
  const written = URL_PATTERN.exec(source)?.[1]?.replace(/[\\[\]]/g, '')
  if (written === undefined || !/[\p{L}\p{N}]/u.test(written) || hasAlternatives(source)) return undefined
  return URL.parse(`https://${written}`)?.host
}

/** Whether a `|` stands outside of all groups: then what stands before it says nothing of what stands behind it. */
function hasAlternatives(source: string): boolean {
  let depth = 0
  for (const [sign] of source
    .replace(/\\./gs, '')
    .replace(/\[\^?\]?[^\]]*\]/g, '')
    .matchAll(/[()|]/g)) {
    if (sign === '|' && depth === 0) return true
    depth += sign === '(' ? 1 : sign === ')' ? -1 : 0
  }
  return false
}

/** What TOOT_TEMPLATE may ask for, in braces. */
export const TOOT_PARTS = ['title', 'summary', 'excerpt', 'content', 'url', 'hashtags', 'postfix'] as const

export type TootPart = (typeof TOOT_PARTS)[number]

/**
 * A template of toots; `\n` written as two characters becomes a line break, for environments that know no other.
 * @throws Error when it asks for something unknown, or lacks `{url}`: without it nobody finds the post, nor we the toot
 */
export function readTemplate(source: string): string {
  const asked = [...source.matchAll(/\{(\w*)\}/g)].map(found => found[1] ?? '')
  const unknown = asked.find(name => !TOOT_PARTS.some(part => part === name))
  if (unknown !== undefined) throw new Error(`A template knows no {${unknown}}.`)
  if (!asked.includes('url')) throw new Error('A template needs {url}.')
  return source.replaceAll('\\n', '\n')
}
