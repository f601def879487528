/**
 * Every URL of ours, made from the origin of the configuration (interface.md sections 1 and 2). URIs of accounts and posts are
 * written into their row when they are made; these functions make them once, and pages that have no identity whenever asked.
 */

export type Addresses = ReturnType<typeof makeAddresses>

/** @param origin PUBLIC_URL without a trailing slash @param handleHost host (and port) of handles */
export function makeAddresses(origin: string, handleHost: string) {
  const account = (name: string) => `${origin}/users/${name}`
  return {
    origin,
    handleHost,
    account,
    handle: (name: string) => `${name}@${handleHost}`,
    feed: (name: string) => `${account(name)}.atom`,
    rss: (name: string) => `${account(name)}.rss`,
    jsonFeed: (name: string) => `${account(name)}.json`,
    salmon: (name: string) => `${account(name)}/salmon`,
    post: (name: string, id: string) => `${account(name)}/posts/${id}`,
    postEntry: (name: string, id: string) => `${account(name)}/posts/${id}.atom`,
    act: (name: string, id: string) => `${account(name)}/acts/${id}`,
    inbox: (name: string) => `${account(name)}/inbox`,
    sharedInbox: () => `${origin}/inbox`,
    outbox: (name: string) => `${account(name)}/outbox`,
    followers: (name: string) => `${account(name)}/followers`,
    following: (name: string) => `${account(name)}/following`,
    featured: (name: string) => `${account(name)}/featured`,
    replies: (post: string) => `${post}/replies`,
    /** Leads browsers to the page of a post on the blog, which is on another host. */
    page: (post: string) => `${post}/page`,
    /** The actor in whose name the node itself asks others (FEP-2677). */
    nodeActor: () => `${origin}/actor`,
    /** HOST@HOST, which no account can have. */
    nodeHandle: () => `${handleHost.replace(/:\d+$/, '')}@${handleHost}`,
    nodeInfo: () => `${origin}/nodeinfo/2.1`,
    hub: () => `${origin}/hub`,
    push: (token: string) => `${origin}/push/${token}`,
    echo: (token: string) => `${origin}/echo/${token}`,
    hostMeta: () => `${origin}/.well-known/host-meta`,
    webfinger: (resource: string) => `${origin}/.well-known/webfinger?resource=${encodeURIComponent(resource)}`,
    webfingerXml: (resource: string) => `${origin}/.well-known/webfinger.xml?resource=${encodeURIComponent(resource)}`,
    webfingerTemplate: (form: '' | '.xml' | '.json') => `${origin}/.well-known/webfinger${form}?resource={uri}`,
    authorizeInteraction: () => `${origin}/authorize_interaction?uri={uri}`,
    person: (id: string) => `${origin}/people/${id}`,
    remotePost: (id: string) => `${origin}/posts/${id}`,
    setUp: (token: string) => `${origin}/setup?token=${token}`,
    signIn: (token: string) => `${origin}/signin?token=${token}`,
    /** What is told here under a tag. */
    tag: (name: string) => `${origin}/search?q=${encodeURIComponent(name)}`,
    home: () => `${origin}/`
  }
}
