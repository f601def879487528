/** Every word that people read, by language: views/texts/LANGUAGE/SECTION.json. A key is `section.name`, a text ICU MessageFormat. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { IntlMessageFormat } from 'intl-messageformat'
import type { Context } from 'koa'
import { makeTeller, readSentences } from './sentences.ts'

const LANGUAGES = ['en', 'de'] as const
export type Language = (typeof LANGUAGES)[number]

export type Values = Record<string, string | number>

/** The texts of one language. */
export type Texts = {
  language: Language
  /** A text as text. @throws Error for a key that there is not, which is our defect */
  say: (key: string, values?: Values) => string
  /**
   * A text as HTML: `<code>`, `<strong>`, `<bdi>`, `<kbd>` and `<a>` in it are elements, all values are escaped. `<a>` leads to the value
   * `href`.
   */
  rich: (key: string, values?: Values) => string
  /** A sentence of the inside of the node, which speaks English, in this language; as it is where there is no translation. */
  tell: (sentence: string) => string
  /** A time as a `<time>` of HTML: in words, UTC, with the exact time on hover; views/page.js puts it into the reader's zone. */
  time: (time: { iso: string }, className?: string) => string
}

const folder = fileURLToPath(new URL('../../views/texts/', import.meta.url))
const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
const escapeHtml = (text: string) => text.replace(/[&<>"']/g, sign => escapes[sign]!)

const all: Record<Language, Texts> = { en: loadTexts('en'), de: loadTexts('de') }

export const textsOf = (language: Language): Texts => all[language]

/** The language of ours that the browser would rather have. The answer then varies by Accept-Language. */
export function languageOf(ctx: Context): Language {
  ctx.vary('Accept-Language')
  const best = ctx.acceptsLanguages(...LANGUAGES)
  return best === 'de' ? best : 'en'
}

/** Formats are made once for each text, at the first use. */
function loadTexts(language: Language): Texts {
  const raw = readTexts(language)
  const formats = new Map<string, IntlMessageFormat>()
  const formatOf = (key: string): IntlMessageFormat => {
    const known = formats.get(key)
    if (known !== undefined) return known
    const text = raw.get(key)
    if (text === undefined) throw new Error(`There is no text ${key} in ${language}.`)
    const made = new IntlMessageFormat(text, language)
    formats.set(key, made)
    return made
  }
  const words = new Intl.DateTimeFormat(language === 'en' ? 'en-GB' : language, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC'
  })
  return {
    language,
    say: (key, values) => String(formatOf(key).format(values)),
    rich: (key, values = {}) => {
      const safe = Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, typeof value === 'string' ? escapeHtml(value) : value])
      )
      return String(formatOf(key).format({ ...safe, ...elements(safe) }))
    },
    tell: language === 'en' ? sentence => sentence : makeTeller(readSentences(language)),
    time: ({ iso }, className) => {
      const exact = iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')
      const kind = className === undefined ? '' : ` class="${className}"`
      return `<time${kind} datetime="${iso}" title="${exact}">${escapeHtml(`${words.format(new Date(iso))} UTC`)}</time>`
    }
  }
}

function elements({ href }: Values) {
  const element = (name: string) => (parts: unknown[]) => `<${name}>${parts.join('')}</${name}>`
  const names = ['code', 'strong', 'bdi', 'kbd'].map(name => [name, element(name)])
  return { ...Object.fromEntries(names), a: (parts: unknown[]) => `<a href="${href ?? ''}">${parts.join('')}</a>` }
}

/** The raw texts of a language by their keys. */
export function readTexts(language: Language): Map<string, string> {
  const texts = new Map<string, string>()
  for (const file of readdirSync(join(folder, language)).sort()) {
    const section: Record<string, string> = JSON.parse(readFileSync(join(folder, language, file), 'utf8'))
    for (const [name, text] of Object.entries(section)) texts.set(`${file.replace('.json', '')}.${name}`, text)
  }
  return texts
}
