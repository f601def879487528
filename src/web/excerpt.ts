/** The beginning of a long text: lists show no more, so that a page with twenty articles stays a page. */

const ENDS = /<\/(?:p|ul|ol|pre|blockquote)>/g

/**
 * HTML that was clean -> its beginning, up to the last paragraph that ends within `most` letters; elements may be left open, so it has
 * to be sanitised again. Undefined when it is not much longer than that anyway.
 */
export function cutHtml(html: string, most: number): string | undefined {
  if (html.length <= most * 1.5) return undefined
  const begun = html.slice(0, most)
  const end = [...begun.matchAll(ENDS)].at(-1)
  if (end !== undefined && end.index > most / 4) return begun.slice(0, end.index + end[0].length)
  // within one paragraph: not within a tag, nor within a sign or a word where there is a gap at all
  const whole = begun.replace(/<[^>]*$|&[^;\s]*$/, '')
  const gap = whole.lastIndexOf(' ')
  const word = gap > most / 2 && !/<[^>]*$/.test(whole.slice(0, gap)) ? whole.slice(0, gap) : whole
  return `${word.replace(/[\ud800-\udbff]$/, '')}…`
}
