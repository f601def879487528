/** The log of hosts that do not answer, and of what came in and was refused. */
import { LOG_DAYS } from '../model/retries.ts'
import type { FailingHost, Refusal } from '../tools.ts'
import { pageAt, readPlace, type Show, sendLog, showAnswer, timeOrNot } from './log-parts.ts'
import type { HostView, RefusalView } from './log-views.ts'
import { showPlace, showTime, type Viewer } from './shown.ts'
import { textsOf } from './texts.ts'

const HOSTS = 50

/** `/log/hosts`: those that fail longest first. */
export const showHosts: Show = async ({ recipients }, ctx, viewer, problem) => {
  const [since, host] = readPlace(ctx, 'after', /^(\d{1,14})_([\w.:[\]-]{1,300})$/) ?? []
  const after = since === undefined || host === undefined ? {} : { after: { since: new Date(Number(since)), host } }
  const list = await recipients.failingHosts({ limit: HOSTS + 1, ...after })
  const page = list.slice(0, HOSTS)
  const last = list.length > HOSTS ? page.at(-1) : undefined
  const older = last === undefined ? {} : { older: pageAt(ctx, { after: `${last.failingSince.getTime()}_${last.host}` }) }
  sendLog(ctx, viewer, 'log-hosts', 'hosts', { hosts: page.map(one => showHost(viewer, one)), ...older }, problem)
}

function showHost(viewer: Viewer, one: FailingHost): HostView {
  const answer = showAnswer(viewer, one)
  const [last, again] = [timeOrNot(one.succeededAt), timeOrNot(one.retryAt)]
  return {
    ...{ host: one.host, since: showTime(one.failingSince), waiting: one.waiting },
    ...(last === undefined ? {} : { last }),
    ...(again === undefined ? {} : { again }),
    ...(answer === undefined ? {} : { answer })
  }
}

/** `/log/refused` */
export const showRefused: Show = async ({ refusals }, ctx, viewer, problem) => {
  const list = await refusals.list()
  sendLog(ctx, viewer, 'log-refused', 'refused', { refusals: list.map(one => showRefusal(viewer, one)), days: LOG_DAYS }, problem)
}

function showRefusal(viewer: Viewer, { at, firstAt, path, sentence, status, times, way, who }: Refusal): RefusalView {
  const page = showPlace(who)?.url
  return {
    ...{ way, path, status, times, at: showTime(at), told: textsOf(viewer.language).tell(sentence) },
    ...(who === '' ? {} : { who }),
    ...(page === undefined ? {} : { page }),
    ...(times > 1 ? { first: showTime(firstAt) } : {})
  }
}
