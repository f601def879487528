/** Changes the text between the tags of clean HTML, but not in links nor in code. Takes time in proportion to the text. */
export function replaceText(html: string, change: (text: string) => string): string {
  let closed = 0
  return html.replace(/<[^>]*>|[^<]+/g, piece => {
    if (/^<(a|code|pre)\b/.test(piece)) closed++
    else if (/^<\/(a|code|pre)>/.test(piece)) closed--
    return piece.startsWith('<') || closed > 0 ? piece : change(piece)
  })
}
