/** Lists of blocks: what one would do is told before it is done. */
import { type BlockList, readBlockList, writeHostList, writePeopleList } from '../protocol/block-list.ts'
import type { Tools } from '../tools.ts'
import { domainsOf, hostOfName } from './identity.ts'
import { ownDomains } from './moderate.ts'

/**
 * What a list would do. `hosts` and `people` are new; `followed`: hosts among those of the list where people live whom the owner follows,
 * left out unless the owner says otherwise; `silence`: hosts that the list only silences; `ours`: what would shut ourselves out; `already`:
 * how many are blocked; `known`: how many people of these hosts are known here.
 */
export type BlockPlan = {
  hosts: string[]
  people: string[]
  followed: { host: string; count: number }[]
  silence: string[]
  ours: string[]
  unreadable: string[]
  already: number
  ignored: number
  known: number
}

/**
 * Holds a list against what is blocked, followed and ours. Nothing is changed.
 * @param input a list as `readBlockList` takes it @throws BadMessage
 */
export async function planBlocks(tools: Tools, input: string): Promise<BlockPlan> {
  const list = readBlockList(input)
  const [blocked, peopleFollowed, knownHosts] = await Promise.all([
    tools.verdicts.blockedHosts(),
    tools.reading.followedHosts(),
    tools.reading.knownHosts()
  ])
  const ours = await ownHosts(tools)
  const isDone = (host: string) => domainsOf(`acct:@${host}`).some(domain => blocked.has(domain))
  const hosts = list.hosts.filter(host => !ours.has(host))
  const people = list.people.filter(person => !ours.has(hostOfName(subjectOf(person))))
  const fresh = hosts.filter(host => !isDone(host))
  const verdicts = await tools.verdicts.find(people.map(subjectOf))
  const freshPeople = people.filter(person => verdicts.get(subjectOf(person)) !== 'blocked')
  const followed = countBelow(
    peopleFollowed.map(hosts => ({ hosts, count: 1 })),
    fresh
  )
  return {
    ...{ hosts: fresh.filter(host => !followed.has(host)), people: freshPeople },
    followed: [...followed].map(([host, count]) => ({ host, count })),
    ...{ silence: list.silence.filter(host => !isDone(host) && !ours.has(host)), ours: whatIsOurs(list, ours) },
    ...{ unreadable: list.unreadable, ignored: list.ignored },
    already: hosts.length - fresh.length + people.length - freshPeople.length,
    known: sum(
      countBelow(
        [...knownHosts].map(([host, count]) => ({ hosts: [host], count })),
        fresh
      ).values()
    )
  }
}

/** Beside our own domains those of our accounts' blogs, and the servers on which the owner toots. */
async function ownHosts(tools: Tools): Promise<Set<string>> {
  const accounts = await tools.actors.accounts()
  const blogs = await Promise.all(accounts.map(({ id }) => tools.blogs.find(id)))
  const connections = await Promise.all(accounts.map(({ id }) => tools.connections.find(id)))
  const places = [...blogs.map(blog => blog?.url), ...connections.map(connection => connection?.host), tools.config.mastodonHost]
  const hosts = places.flatMap(place => URL.parse(place ?? '')?.host ?? [])
  return new Set([...ownDomains(tools), ...hosts])
}

const subjectOf = (person: string): string => (/^https?:/.test(person) ? person : `acct:${person}`)

const whatIsOurs = ({ hosts, people, silence }: BlockList, ours: Set<string>): string[] => [
  ...[...hosts, ...silence].filter(host => ours.has(host)),
  ...people.filter(person => ours.has(hostOfName(subjectOf(person))))
]

/** How many people live at each domain, or below it. Whoever has several hosts is counted once, where the list names one most closely. */
function countBelow(people: { hosts: string[]; count: number }[], domains: string[]): Map<string, number> {
  const listed = new Set(domains)
  const counts = new Map<string, number>()
  for (const { count, hosts } of people) {
    const domain = hosts.flatMap(host => domainsOf(`acct:@${host}`)).find(name => listed.has(name))
    if (domain !== undefined) counts.set(domain, (counts.get(domain) ?? 0) + count)
  }
  return counts
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, number) => total + number, 0)

const MOST = 100_000

/** All blocked hosts, or people, in the form that Mastodon takes. */
export async function exportBlocks({ actors, verdicts }: Pick<Tools, 'actors' | 'verdicts'>, what: 'hosts' | 'people'): Promise<string> {
  if (what === 'hosts') return writeHostList([...(await verdicts.blockedHosts())].sort())
  const subjects = (await verdicts.list('blocked', MOST)).map(({ subject }) => subject).filter(subject => !subject.startsWith('host:'))
  const known = await actors.findByNames(subjects)
  // whoever has a handle is blocked under their URI as well
  const people = subjects.map(subject => known.get(subject)?.actor.acct ?? subject.replace(/^acct:/, ''))
  return writePeopleList([...new Set(people)].sort())
}
