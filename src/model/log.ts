/** What the log looks like to whoever writes into it, and what may never stand in it. */

type Line = (fields: object, message: string) => void

export type Log = { debug: Line; info: Line; warn: Line; error: Line; child(fields: object): Log }

/** Stands where a secret stood. */
export const HIDDEN = '…'

const secretName = /token|secret|passw(?:or)?d|authorization|cookie|credential|(?:^|[._-])private|private_?key/i
const pushPath = /(\/(?:push|echo)\/)[^\s/?#"'<>]+/g
const secretParameter = /((?:^|[?&;\s])[\w.]*(?:token|secret|password)=|[?&](?:code|state)=)[^&#;\s"'<>]+/gi
const userInfo = /(:\/\/)[^\s/?#"'<>]*@/g
/** Without one of these there is nothing to hide: most texts end here. */
const suspicious = /\/(?:push|echo)\/|=|:\/\/|bearer|basic/i
const bearer = /\b(Bearer|Basic)\s+[\w.~+/=-]+/gi

/** Whether a field or header of that name is left out of the log, whatever it holds. */
export const isSecretName = (name: string): boolean => secretName.test(name)

/**
 * A URL, or a sentence with URLs in it, without what opens doors: the token of a callback (`/push/…`), parameters such as
 * `token=…` and `hub.secret=…`, user and password, the value of an Authorization header.
 */
export function hideSecrets(text: string): string {
  if (!suspicious.test(text)) return text
  return text
    .replace(pushPath, `$1${HIDDEN}`)
    .replace(secretParameter, `$1${HIDDEN}`)
    .replace(userInfo, `$1${HIDDEN}@`)
    .replace(bearer, `$1 ${HIDDEN}`)
}
