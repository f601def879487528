/** A browser without looks, for tests of pages: it follows nothing by itself and remembers the owner's session. */
import type { TestNode } from './node.ts'

export type Answer = { status: number; headers: Headers; text: string; location: string | null }
export type Visitor = ReturnType<typeof visitor>

/** Somebody at a node. @param cookie of the owner's session, when signed in */
export function visitor(node: Pick<TestNode, 'url'>, cookie?: string) {
  const send = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Answer> => {
    // without it fetch adds `no-cache` to a conditional request, which then is none
    const headers = { accept: 'text/html', 'cache-control': 'max-age=0', ...(cookie === undefined ? {} : { cookie }), ...init.headers }
    const answer = await fetch(`${node.url}${path}`, { redirect: 'manual', ...init, headers })
    return { status: answer.status, headers: answer.headers, text: await answer.text(), location: answer.headers.get('location') }
  }
  return {
    send,
    get: (path: string, headers: Record<string, string> = {}) => send(path, { headers }),
    head: (path: string) => send(path, { method: 'HEAD' }),
    /** A form as a page of the node itself sends it, unless the headers say otherwise. */
    post: (path: string, form: Record<string, string>, headers: Record<string, string> = { origin: node.url }) =>
      send(path, { method: 'POST', body: new URLSearchParams(form), headers })
  }
}

/** The owner, signed in by a link as `npx tidings signin` prints it. */
export async function signIn(node: TestNode): Promise<Visitor & { csrf: string }> {
  const link = await node.tools.sessions.addLink(node.tools.clock())
  const session = await node.tools.sessions.open(link, node.tools.clock())
  if (session === undefined) throw new Error('the link did not sign in')
  return { ...visitor(node, `tidings_session=${session.token}`), csrf: session.csrf }
}
