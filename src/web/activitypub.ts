/** ActivityPub by HTTP: actors, objects and collections by GET, the inboxes by POST. */
import Router from '@koa/router'
import type { Tools } from '../tools.ts'
import type { Residents } from './residents.ts'

/** Actors, posts and collections. Stands before the pages: both know `/users/NAME`, and the Accept header decides (interface.md 1). */
export function activityPubRoutes(_tools: Tools, _residents: Residents): Router {
  return new Router()
}
