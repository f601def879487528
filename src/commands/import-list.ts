/** `import opml`: follows all feeds of a list, and goes on where it was cut off. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import cliProgress from 'cli-progress'
import { beginImport, followListed, listImport, lookThrough, type Progress, progressOf, takeImports } from '../federation/follow-list.ts'
import { BadMessage } from '../model/errors.ts'
import type { Import, ImportItem } from '../model/imports.ts'
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'
import { type Args, actingAccount, type Command, flag, type Out, orNull, value } from './command.ts'

const LOOK_MS = 500
const PAGE = 500

export const importOpml: Command = {
  words: 'import opml',
  usage: 'FILE [--dry-run] [--as NAME]',
  summary: 'follows all feeds of an OPML file (also of a list of Mastodon’s, or an address a line), each with what came of it',
  options: { 'dry-run': flag, as: value },
  takes: [1, 1],
  async run(tools, args, out) {
    const [account, [file = '']] = [await actingAccount(tools, args), args.positionals]
    const input = await readFile(file).catch(cause => {
      throw new BadMessage(`${file} cannot be read.`, { cause })
    })
    if (args['dry-run']) return rehearse(tools, account, input, args, out)
    const list = await beginImport(tools, account, input, basename(file))
    const progress = await work(tools, list, args)
    for (let after = -1; ; ) {
      const items = await listImport(tools, list.id, { after, limit: PAGE, failed: false })
      for (const item of items) print(out, args, item)
      if (items.length < PAGE) break
      after = items.at(-1)!.place
    }
    out.progress(describe(progress))
    return 0
  }
}

async function rehearse(tools: Tools, account: Account, input: Buffer, { json }: Args, out: Out): Promise<number> {
  const wishes = await lookThrough(tools, account, input)
  for (const { already, title, who } of wishes)
    out.print(
      json ? JSON.stringify({ feed: who, title: orNull(title), already }) : `${already ? 'followed already' : 'would be followed'}  ${who}`
    )
  out.progress(`${wishes.length} feeds, ${wishes.filter(({ already }) => already).length} of them followed already`)
  return 0
}

/** Works beside the node, which does its share when it runs; waits for what the node has in hand, or is tried once more. */
async function work(tools: Tools, { id }: Import, { json }: Args): Promise<Progress> {
  const bar = json || !process.stderr.isTTY ? undefined : makeBar()
  try {
    for (;;) {
      const taken = await takeImports(tools, id)
      await Promise.all(taken.map(one => followListed(tools, one)))
      const progress = await progressOf(tools, id)
      bar?.setTotal(progress.total)
      bar?.update(progress.done)
      if (progress.counts.waiting === 0) return progress
      if (taken.length === 0) await sleep(LOOK_MS)
    }
  } finally {
    bar?.stop()
  }
}

function makeBar() {
  const options = { format: '{bar} {value} of {total} feeds', stream: process.stderr, clearOnComplete: true }
  const bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic)
  bar.start(0, 0)
  return bar
}

function print(out: Out, { json }: Args, { state, title, who, why }: ImportItem): void {
  if (json) out.print(JSON.stringify({ feed: who, title: orNull(title), state, why: orNull(why) }))
  else out.print([RESULT[state].padEnd(13), who, ...(why === undefined ? [] : [why])].join('  '))
}

const RESULT: Record<ImportItem['state'], string> = {
  ...{ waiting: 'waits', followed: 'followed', asked: 'asked', already: 'already', none: 'no feed there', dead: 'failed' }
}

const describe = ({ counts: { already, asked, dead, followed, none }, total }: Progress): string =>
  `${total} feeds: ${followed} followed, ${asked} asked, ${already} followed before, ${none} without a feed, ${dead} failed`
