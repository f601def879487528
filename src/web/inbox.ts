/** `POST /users/NAME/inbox`, `POST /inbox`: 202 for whatever is genuine, whether or not anything comes of it (T4). */
import Router from '@koa/router'
import type { Tools } from '../tools.ts'

export function inboxRoutes(_tools: Tools): Router {
  return new Router()
}
