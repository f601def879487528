/** `hub list` and `hub drop`: who subscribes to us. */
import { dropSubscriber } from '../federation/remedy.ts'
import type { Subscriber } from '../model/kept.ts'
import { hideSecrets } from '../model/log.ts'
import { type Command, orNull, printList, showTime, value } from './command.ts'

const MOST = 100_000

export const hubList: Command = {
  words: 'hub list',
  usage: '',
  summary: 'shows who subscribes at our hub: lease, last delivery, last error',
  takes: [0, 0],
  async run({ subscribers }, args, out) {
    printList(out, args, await subscribers.list(MOST), 'Nobody subscribes.', asObject, asRow)
    return 0
  }
}

export const hubDrop: Command = {
  words: 'hub drop',
  usage: 'CALLBACK [--topic URL]',
  summary: 'ends what a callback subscribes to, one topic or all of ours; it is told so',
  options: { topic: value },
  takes: [1, 1],
  async run(tools, { json, positionals: [callback = ''], topic }, out) {
    const dropped = await dropSubscriber(tools, callback, topic)
    if (json) out.print(JSON.stringify({ callback, dropped }))
    else for (const topic of dropped) out.print(`${callback} gets ${topic} no more.`)
    return 0
  }
}

const asObject = (one: Subscriber) => ({
  ...{ topic: one.topic, callback: one.callback, method: one.method, lease_seconds: one.leaseSeconds, lease_until: one.expiresAt },
  ...{ verified: one.verifiedAt, last_delivery: orNull(one.succeededAt), failures: one.failures, retry: orNull(one.retryAt) },
  ...{ status: orNull(one.status), error: one.error === undefined ? null : hideSecrets(one.error) }
})

function asRow({ callback, error, expiresAt, failures, succeededAt, topic }: Subscriber): string[] {
  const trouble = failures === 0 ? [] : [`${failures} failures: ${hideSecrets(error ?? 'no answer')}`]
  return [topic, callback, [`lease until ${showTime(expiresAt)}`, `delivered ${showTime(succeededAt)}`, ...trouble].join(', ')]
}
