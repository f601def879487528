import { htmlToText } from './sanitize.ts'

/** The text of a piece of HTML as one line, for titles and previews. It makes nothing safe: it is escaped wherever it is written. */
export const plainText = (html: string): string => htmlToText(html).replace(/\s+/g, ' ').trim()

/**
 * A text without what nobody sees and what turns the writing round (X41): controls but line break and tab, and the marks of
 * direction, by which the end of a text is shown as its beginning.
 */
export const withoutControls = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, '')
