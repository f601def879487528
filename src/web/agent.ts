/** Which browser somebody uses, in two words: enough to know one's own sessions apart. */

/** Whoever copies another's name stands before it. */
const BROWSERS: [name: string, sign: RegExp][] = [
  ['Edge', /\bEdg(e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung', /\bSamsungBrowser\//],
  ['Vivaldi', /\bVivaldi\//],
  ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /(Chrome|CriOS|Chromium)\//],
  ['Safari', /\bSafari\//]
]
const SYSTEMS: [name: string, sign: RegExp][] = [
  ['Android', /\bAndroid\b/],
  ['iOS', /\b(iPhone|iPad|iPod)\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\b(Linux|X11)\b/]
]

/** `Firefox, Linux`; undefined for what tells neither. @param agent User-Agent, of which nothing is repeated */
export function nameBrowser(agent: string): string | undefined {
  const names = [BROWSERS, SYSTEMS].map(list => list.find(([, sign]) => sign.test(agent.slice(0, 500)))?.[0])
  return names.filter(name => name !== undefined).join(', ') || undefined
}
