/** What the two kinds of HTTP signatures have in common. */

/** A request as it came or is about to go. Header names are in lower case; `target` is path and query as in the request line. */
export type HttpMessage = {
  method: string
  target: string
  /** Host and port, the port left out where it is the scheme's own. */
  authority: string
  scheme: 'http' | 'https'
  headers: Record<string, string | undefined>
  /** Only of an answer: RFC 9421 signs those too. */
  status?: number
}

/** A signature that somebody claims to have made. `covers` are the signed parts, `base` is what was signed. */
export type Claim = {
  form: 'cavage' | 'rfc9421'
  keyId: string
  algorithm?: string
  covers: string[]
  created?: Date
  expires?: Date
  signature: Buffer
  base: string
}
