/** The order of middleware and routes: what is asked most stands first. */
import Router from '@koa/router'
import Koa from 'koa'
import type { Tools } from '../tools.ts'
import { aboutRoutes } from './about.ts'
import { accessRoutes } from './access.ts'
import { activityPubRoutes } from './activitypub.ts'
import { tootRoutes } from './api.ts'
import { blockRoutes } from './blocks.ts'
import { blogRoutes } from './blog.ts'
import { commentsRoutes } from './comments.ts'
import { compress } from './compress.ts'
import { connectRoutes } from './connect.ts'
import { doctorRoutes } from './doctor.ts'
import { echoRoutes } from './echo.ts'
import { editProfileRoutes } from './edit-profile.ts'
import { eventRoutes } from './events.ts'
import { feedRoutes } from './feeds.ts'
import { followingRoutes } from './following.ts'
import { guardRequests } from './guard.ts'
import { healthRoutes } from './health.ts'
import { hubRoutes } from './hub.ts'
import { importOldRoutes } from './import-old.ts'
import { inboxRoutes } from './inbox.ts'
import { logRoutes } from './log.ts'
import { mediaRoutes } from './media.ts'
import { moderationRoutes } from './moderation.ts'
import { nodeInfoRoutes } from './nodeinfo.ts'
import { pageRoutes } from './pages.ts'
import { privateFeedRoutes } from './private-feed.ts'
import { publishRoutes } from './publish.ts'
import { pushRoutes } from './push.ts'
import { quoteRoutes } from './quotes.ts'
import { remoteRoutes } from './remote.ts'
import { makeResidents } from './residents.ts'
import { salmonRoutes } from './salmon.ts'
import { settingsRoutes } from './settings.ts'
import { setUpRoutes } from './setup.ts'
import { signInRoutes } from './signin.ts'
import { wellKnownRoutes } from './well-known.ts'
import { widgetRoutes } from './widget.ts'
import { writeRoutes } from './write.ts'

/**
 * The web half of the node. It holds nothing but what it has rendered; any number of them may run on one database.
 * @param closing aborted when it is to stop
 */
export function makeApp(tools: Tools, closing?: AbortSignal): Koa {
  const app = new Koa({ proxy: tools.config.trustProxy > 0, maxIpsCount: tools.config.trustProxy })
  app.silent = true
  const residents = makeResidents(tools)
  app.use(guardRequests(tools))
  app.use(compress())
  const routers = [
    wellKnownRoutes(tools, residents),
    tootRoutes(tools),
    activityPubRoutes(tools, residents),
    inboxRoutes(tools),
    quoteRoutes(tools),
    feedRoutes(tools, residents),
    hubRoutes(tools),
    pushRoutes(tools),
    echoRoutes(tools),
    publishRoutes(tools),
    salmonRoutes(tools),
    commentsRoutes(tools),
    mediaRoutes(tools),
    remoteRoutes(tools),
    widgetRoutes(tools),
    healthRoutes(tools),
    aboutRoutes(),
    nodeInfoRoutes(tools),
    eventRoutes(tools, closing),
    ...ownersRouters(tools),
    privateFeedRoutes(tools),
    pageRoutes(tools)
  ]
  // what a router knows under other methods is 405 with those
  app.use(new Router().allowedMethods())
  for (const router of routers) app.use(router.routes())
  return app
}

const ownersRouters = (tools: Tools): Router[] => [
  ...[signInRoutes(tools), writeRoutes(tools), setUpRoutes(tools), settingsRoutes(tools), importOldRoutes(tools), accessRoutes(tools)],
  ...[connectRoutes(tools), blogRoutes(tools), doctorRoutes(tools), followingRoutes(tools), moderationRoutes(tools), blockRoutes(tools)],
  ...[editProfileRoutes(tools), logRoutes(tools)]
]
