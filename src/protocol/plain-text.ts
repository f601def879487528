import { htmlToText } from './sanitize.ts'

/** The text of a piece of HTML as one line, for titles and previews. It makes nothing safe: it is escaped wherever it is written. */
export const plainText = (html: string): string => htmlToText(html).replace(/\s+/g, ' ').trim()
