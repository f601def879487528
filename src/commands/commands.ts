/** All commands: which one is meant by a command line, and what `help` tells of them. */
import { parseArgs } from 'node:util'
import { requireOrigin } from '../federation/origin.ts'
import type { Tools } from '../tools.ts'
import { accountAdd, accountBlog, accountEdit, accountList, accountRemove } from './account.ts'
import { favourite, reply, share, undo } from './act.ts'
import { blog } from './blog.ts'
import { type Args, type Command, describeError, flag, type Out, WrongUsage } from './command.ts'
import { deliveries, deliveriesRetry } from './deliveries.ts'
import { doctor } from './doctor.ts'
import { follow } from './follow.ts'
import { history, thread } from './history.ts'
import { hubDrop, hubList } from './hub.ts'
import { importFeed, importSitemap } from './import.ts'
import { importOpml } from './import-list.ts'
import { kit } from './kit.ts'
import { mastodonConnect, mastodonDisconnect, mastodonStatus } from './mastodon.ts'
import { approve, block, hide, moderation, unapprove, unblock, unhide } from './moderation.ts'
import { followers, following } from './people.ts'
import { deletePost, edit, publish } from './publish.ts'
import { passphraseRemove, signin } from './signin.ts'
import { subscriptions } from './subscriptions.ts'
import { unfollow } from './unfollow.ts'

const COMMANDS: Command[] = [
  ...[
    accountAdd,
    accountBlog,
    accountEdit,
    accountList,
    accountRemove,
    blog,
    kit,
    importSitemap,
    importFeed,
    importOpml,
    follow,
    unfollow,
    following,
    followers,
    publish,
    edit,
    deletePost
  ],
  ...[reply, favourite, share, undo, history, thread],
  ...[moderation, approve, unapprove, hide, unhide, block, unblock],
  ...[mastodonConnect, mastodonStatus, mastodonDisconnect],
  ...[subscriptions, hubList, hubDrop, deliveries, deliveriesRetry, doctor, signin, passphraseRemove]
]

/** What main does itself, as it needs no tools or more than those. */
const PROCESSES = [
  { words: 'start', usage: '', summary: 'runs the node: answers requests and works the queue in one process' },
  { words: 'web', usage: '', summary: 'answers requests only' },
  { words: 'worker', usage: '', summary: 'works the queue only' },
  { words: 'migrate', usage: '', summary: 'brings the database up to date' },
  { words: 'help', usage: '[COMMAND]', summary: 'shows this, or how a command is used' }
] as const

type ProcessName = (typeof PROCESSES)[number]['words']
type Entry = { words: string; usage: string; summary: string }
const ENTRIES: Entry[] = [...PROCESSES, ...COMMANDS]

export type Chosen =
  | { kind: 'process'; name: Exclude<ProcessName, 'help'>; json: boolean }
  | { kind: 'text'; text: string }
  | { kind: 'version' }
  | { kind: 'command'; command: Command; args: Args }

/**
 * What a command line asks for; nothing is `start`.
 * @param line what was typed behind the program's name
 * @throws WrongUsage with the usage of the command, if there is one
 */
export function chooseCommand(line: string[]): Chosen {
  const [first = 'start'] = line
  if (first === '--version') return { kind: 'version' }
  if (first === 'help' || line.includes('--help'))
    return { kind: 'text', text: describe(line.filter(word => word !== 'help' && word !== '--help')) }
  const entry = findEntry(line.length === 0 ? [first] : line)
  const rest = line.slice(entry.words.split(' ').length)
  const command = COMMANDS.find(({ words }) => words === entry.words)
  if (command !== undefined) return { kind: 'command', command, args: readArgs(command, rest) }
  const { json } = readArgs({ ...entry, takes: [0, 0] }, rest)
  return { kind: 'process', name: entry.words as Exclude<ProcessName, 'help'>, json }
}

/**
 * Carries a command out. What fails is told: as a sentence to `complain`, and as an object to whoever reads JSON.
 * @returns the exit code: 0 done, 1 failed, 2 called in a wrong way
 */
export async function carryOut(
  tools: Tools,
  { command, args }: { command: Command; args: Args },
  out: Out,
  complain: (text: string) => void
) {
  try {
    await requireOrigin(tools)
    return await command.run(tools, args, out)
  } catch (error) {
    const described = describeError(error)
    if (args.json) out.print(JSON.stringify(described))
    complain(described.error)
    return error instanceof WrongUsage ? 2 : 1
  }
}

/** `deliveries retry 7` is the longer command; a word alone that begins others shows them. */
function findEntry(line: string[]): Entry {
  const typed = (count: number) => line.slice(0, count).join(' ')
  const entry = ENTRIES.find(({ words }) => words === typed(2)) ?? ENTRIES.find(({ words }) => words === typed(1))
  if (entry !== undefined) return entry
  const near = ENTRIES.filter(({ words }) => words.startsWith(`${line[0]} `))
  if (near.length > 0) throw new WrongUsage(`Which one of these?\n${near.map(usageOf).join('\n')}`)
  throw new WrongUsage(`There is no command ${line[0]}. \`tidings help\` shows all.`)
}

function readArgs(command: Pick<Command, 'words' | 'usage' | 'options' | 'takes'>, rest: string[]): Args {
  const options = { ...command.options, json: flag }
  try {
    const { positionals, values } = parseArgs({ args: rest, options, strict: true, allowPositionals: true })
    const [least, most] = command.takes
    if (positionals.length < least) throw new TypeError('Something is missing.')
    if (positionals.length > most) throw new TypeError(`Unexpected argument '${positionals[most]}'.`)
    return { ...values, positionals, json: values.json === true } as Args
  } catch (error) {
    throw new WrongUsage(`${(error as Error).message}\n${usageOf(command)}`)
  }
}

const usageOf = ({ words, usage }: Pick<Entry, 'words' | 'usage'>) =>
  `Usage: tidings ${[words, usage, '[--json]'].filter(Boolean).join(' ')}`

/** One command, those that begin alike, or all. @throws WrongUsage */
function describe(line: string[]): string {
  if (line.length > 0) {
    const entries = ENTRIES.filter(({ words }) => words === line.join(' ') || words.startsWith(`${line[0]} `) || words === line[0])
    if (entries.length === 0) throw new WrongUsage(`There is no command ${line.join(' ')}. \`tidings help\` shows all.`)
    return entries.map(entry => `${usageOf(entry)}\n  ${entry.summary}`).join('\n')
  }
  const lines = ENTRIES.map(({ words, usage, summary }) => `  ${[words, usage].filter(Boolean).join(' ')}\n      ${summary}`)
  const foot =
    'Every command takes --json: an object a line on the standard output, progress on the other. Settings: docs/configuration.md.'
  return ['Usage: tidings [COMMAND]', '', ...lines, '', foot].join('\n')
}
