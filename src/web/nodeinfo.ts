/** NodeInfo 2.1 (FEP-f1d5): what runs here and what it speaks, and the way to the node's own actor (FEP-2677). */
import Router from '@koa/router'
import { VERSION } from '../federation/entries.ts'
import { AS, TYPE } from '../protocol/names.ts'
import type { Tools } from '../tools.ts'
import { send, type Written, written } from './conditional.ts'
import { makeRendered } from './residents.ts'

const SCHEMA = 'http://nodeinfo.diaspora.software/ns/schema/2.1'

/** `/.well-known/nodeinfo` and `/nodeinfo/2.1`: nothing in it tells of peers, or of anything that is not public. */
export function nodeInfoRoutes(tools: Tools): Router {
  const { actors, addresses } = tools
  const rendered = makeRendered<Written>(tools, 1)
  const links = json(`${TYPE.jrd}; charset=utf-8`, {
    links: [
      { rel: SCHEMA, href: addresses.nodeInfo() },
      { rel: `${AS}#Application`, href: addresses.nodeActor(), type: TYPE.activity }
    ]
  })
  const router = new Router()
  router.get('/.well-known/nodeinfo', ctx => send(ctx, links))
  router.get('/nodeinfo/2.1', async ctx => {
    const make = async () => json(`${TYPE.json}; profile="${SCHEMA}#"; charset=utf-8`, describe((await actors.accounts()).length))
    send(ctx, await rendered.get('', 'nodeinfo', make))
  })
  return router
}

const describe = (accounts: number) => ({
  ...{ version: '2.1', software: { name: 'tidings', version: VERSION }, protocols: ['activitypub', 'ostatus'] },
  ...{ services: { inbound: [], outbound: [] }, openRegistrations: false, usage: { users: { total: accounts } }, metadata: {} }
})

const json = (type: string, document: object): Written =>
  written(JSON.stringify(document), {
    ...{ 'Content-Type': type, 'Cache-Control': 'public, max-age=3600' },
    ...{ 'Access-Control-Allow-Origin': '*', 'X-Content-Type-Options': 'nosniff' }
  })
