/** `follow`: find somebody, ask them or read their feed and ask their hub; and show each step. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Followed, follow as followVerb, type Traced } from '../federation/follow.ts'
import type { TraceStep } from '../model/activity.ts'
import { isFailure } from '../model/errors.ts'
import type { Account, Actor, Subscription } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { actingAccount, type Command, orNull, showTime, value } from './command.ts'
import { subscriptionObject } from './subscriptions.ts'

const WAIT_MS = 5_000
const LOOK_MS = 100

export const follow: Command = {
  words: 'follow',
  usage: 'WHO [--as NAME] [--hub URL]',
  summary: 'follows acct:user@host, user@host or a URL, and shows each request and what was found',
  options: { as: value, hub: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const { hub, json, positionals } = args
    const as = await actingAccount(tools, args)
    const followed = await tryFollow(tools, positionals[0] ?? '', { as, ...(hub === undefined ? {} : { hub }) }, showTrace)
    showTrace(followed.trace)
    const subscription = await waitForHub(tools, followed.subscription)
    const accepted = followed.asked === true && (await waitForAnswer(tools, followed.actor, as))
    if (json) out.print(JSON.stringify(asObject(followed, accepted, subscription)))
    else {
      out.print(describeFollow(followed, accepted, as.localName))
      if (subscription !== undefined) out.print(describeHub(subscription))
    }
    return 0

    function showTrace(trace: TraceStep[]) {
      for (const step of trace) out.progress(describeStep(step))
    }
  }
}

/** A failure shows how far the search came before its sentence is told. */
async function tryFollow(tools: Tools, who: string, options: Parameters<typeof followVerb>[2], show: (trace: TraceStep[]) => void) {
  try {
    return await followVerb(tools, who, options)
  } catch (error) {
    if (isFailure(error)) show((error as Traced).trace ?? [])
    throw error
  }
}

/** `WebFinger  https://…  200 application/jrd+json: acct:ann@a.example, 8 links (12 ms)` */
export function describeStep({ step, url, status, type, found, failed, ms }: TraceStep): string {
  const answer = [status, type].filter(part => part !== undefined && part !== '').join(' ')
  const outcome = failed ?? found ?? ''
  const head = [step, ...(url === undefined ? [] : [url]), ...(answer === '' ? [] : [answer])].join('  ')
  return `${head}${outcome === '' ? '' : `: ${outcome}`}${ms === undefined ? '' : ` (${ms} ms)`}`
}

function describeFollow({ actor, already, asked, fresh }: Followed, accepted: boolean, as: string): string {
  const who = actor.acct ?? actor.uri
  const read = `${fresh} ${fresh === 1 ? 'new post' : 'new posts'}`
  if (accepted) return `${as} now follows ${who} by ActivityPub: ${read}`
  if (asked) return `${as} asked ${who} by ActivityPub, and follows when the answer comes: ${read}`
  return `${as} ${already ? 'follows' : 'now follows'} ${who}${already ? ' already' : ''}: ${read}`
}

/** The running node asks; most answer at once. */
async function waitForAnswer({ follows }: Tools, person: Actor, as: Account): Promise<boolean> {
  for (let waited = 0; waited < WAIT_MS; waited += LOOK_MS) {
    if ((await follows.find(as.id, person.id)) !== undefined) return true
    await sleep(LOOK_MS)
  }
  return false
}

const isAsked = ({ askAt, state }: Subscription) => askAt !== undefined && (state === 'polling' || state === 'asking')

/** The running node asks the hub, which asks back: usually all within a second. */
async function waitForHub({ subscriptions }: Tools, subscription: Subscription | undefined): Promise<Subscription | undefined> {
  let now = subscription
  for (let waited = 0; now !== undefined && isAsked(now) && now.error === undefined && waited < WAIT_MS; waited += LOOK_MS) {
    await sleep(LOOK_MS)
    now = await subscriptions.find(now.id)
  }
  return now
}

function describeHub(subscription: Subscription): string {
  const { error, expiresAt, hub, pendingAt, state } = subscription
  if (state === 'active')
    return `hub ${hub} verified: posts are pushed, ${expiresAt ? `lease until ${showTime(expiresAt)}` : 'without an end'}`
  if (!isAsked(subscription)) return `no hub: polled every 15 minutes${error === undefined ? '' : ` (${error})`}`
  if (error !== undefined) return `hub ${hub} refused: polled every 15 minutes (${error})`
  if (pendingAt === undefined) return `hub ${hub} will be asked when the node runs; polled until then`
  return `hub ${hub} was asked; it has not answered yet`
}

const asObject = ({ actor, already, asked, fresh, trace }: Followed, accepted: boolean, subscription: Subscription | undefined) => ({
  account: {
    uri: actor.uri,
    acct: orNull(actor.acct),
    name: orNull(actor.displayName),
    url: orNull(actor.url),
    feed: orNull(actor.feedUrl)
  },
  ...{
    already,
    asked: asked === true && !accepted,
    fresh,
    trace,
    subscription: subscription === undefined ? null : subscriptionObject(subscription)
  }
})
