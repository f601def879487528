/** `deliveries` and `deliveries retry`: what went out, what failed, and why. */
import { retryDelivery } from '../federation/remedy.ts'
import { hideSecrets } from '../model/log.ts'
import type { Tools } from '../tools.ts'
import { type Command, flag, orNull, printList, showTime, value } from './command.ts'

type Listed = Awaited<ReturnType<Tools['deliveries']['list']>>[number]

const MOST = 200

export const deliveries: Command = {
  words: 'deliveries',
  usage: '[--failed] [--to HOST]',
  summary: `shows the last ${MOST} deliveries: all, those that failed at least once, or those to a host`,
  options: { failed: flag, to: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const { failed = false, to } = args
    const list = await tools.deliveries.list({ failed, limit: MOST, ...(to === undefined ? {} : { host: to }) })
    printList(out, args, list, 'There are no such deliveries.', asObject, asRow)
    return 0
  }
}

export const deliveriesRetry: Command = {
  words: 'deliveries retry',
  usage: 'ID',
  summary: 'tries a delivery again now',
  takes: [1, 1],
  async run(tools, { json, positionals: [id = ''] }, out) {
    await retryDelivery(tools, id)
    out.print(json ? JSON.stringify({ retried: id }) : `Delivery ${id} is tried again.`)
    return 0
  }
}

const asObject = (one: Listed) => ({
  ...{ id: one.id, kind: one.kind, to: hideSecrets(one.url), topic: one.topic, state: one.state, attempts: one.attempts },
  ...{ created: one.createdAt, done: orNull(one.doneAt), retry: orNull(one.retryAt), status: orNull(one.status) },
  error: one.error === undefined ? null : hideSecrets(one.error)
})

function asRow({ attempts, createdAt, error, id, retryAt, state, status, topic, url }: Listed): string[] {
  const again = state === 'waiting' && retryAt !== undefined ? [`again ${showTime(retryAt)}`] : []
  const outcome = [
    `${attempts} tries`,
    ...(status === undefined ? [] : [`answered ${status}`]),
    ...again,
    ...(error && error !== `answered ${status}` ? [hideSecrets(error)] : [])
  ]
  return [id, state, showTime(createdAt), topic, hideSecrets(url), outcome.join(', ')]
}
