/** `import sitemap`, `import feed`: what the blog published before. */
import cliProgress from 'cli-progress'
import {
  importFeed as feedVerb,
  type ImportEars,
  type Imported,
  type ImportOptions,
  importSitemap as sitemapVerb
} from '../federation/import-old.ts'
import type { Visibility } from '../model/blog.ts'
import { type Args, actingAccount, type Command, flag, type Out, value, WrongUsage } from './command.ts'

const OPTIONS = { 'dry-run': flag, toot: value, pace: value, as: value }
const USAGE = 'URL [--dry-run] [--toot public|unlisted|private [--pace TOOTS-AN-HOUR]] [--as NAME]'
const VISIBILITIES: Visibility[] = ['public', 'unlisted', 'private']
const PACE = 6

export const importSitemap: Command = {
  words: 'import sitemap',
  usage: USAGE,
  summary:
    'marks all posts of a sitemap as old (without BLOG_POST_PATTERN all its pages), so that they are never tooted; or toots them little by little',
  options: OPTIONS,
  takes: [1, 1],
  run: async (tools, args, out) => {
    const [account, options] = [await actingAccount(tools, args), readOptions(args)]
    return show(args, out, options, ears => sitemapVerb(tools, account, args.positionals[0] ?? '', options, ears))
  }
}

export const importFeed: Command = {
  words: 'import feed',
  usage: USAGE,
  summary: 'the same for all posts of a feed and its older pages',
  options: OPTIONS,
  takes: [1, 1],
  run: async (tools, args, out) => {
    const [account, options] = [await actingAccount(tools, args), readOptions(args)]
    return show(args, out, options, ears => feedVerb(tools, account, args.positionals[0] ?? '', options, ears))
  }
}

function readOptions({ pace, toot, ...args }: Args): ImportOptions {
  const dryRun = args['dry-run'] === true
  if (toot === undefined) {
    if (pace !== undefined) throw new WrongUsage('--pace says how fast posts are tooted: it needs --toot.')
    return { dryRun }
  }
  const visibility = VISIBILITIES.find(one => one === toot)
  if (visibility === undefined) throw new WrongUsage(`--toot is one of ${VISIBILITIES.join(', ')}.`)
  const speed = pace === undefined ? PACE : Number(pace)
  if (!Number.isInteger(speed) || speed < 1 || speed > 1000) throw new WrongUsage('--pace is a whole number from 1 to 1000.')
  return { dryRun, toot: { visibility, pace: speed } }
}

/** A bar while it runs, when somebody looks at it; what was done at the end. */
async function show(args: Args, out: Out, options: ImportOptions, work: (ears: ImportEars) => Promise<Imported>): Promise<number> {
  const bar = args.json || !process.stderr.isTTY ? undefined : makeBar()
  const dryRun = options.dryRun === true
  const matched: string[] = []
  const ears: ImportEars = {
    progress(done, posts, left) {
      bar?.setTotal(posts)
      bar?.update(done, { left })
    },
    matched: url => void (dryRun && matched.push(url)),
    failed: (url, why) => out.progress(`${url}: ${why}`)
  }
  try {
    const imported = await work(ears)
    bar?.stop()
    for (const url of matched) out.print(args.json ? JSON.stringify({ url }) : url)
    out.print(args.json ? JSON.stringify({ ...imported, dry_run: dryRun }) : describe(imported, options))
    return 0
  } finally {
    bar?.stop()
  }
}

function makeBar() {
  const bar = new cliProgress.SingleBar(
    { format: '{bar} {value} of {total} posts, {left} sitemaps left', stream: process.stderr, clearOnComplete: true },
    cliProgress.Presets.shades_classic
  )
  bar.start(0, 0, { left: 0 })
  return bar
}

function describe({ found, handled, known, new: fresh }: Imported, { dryRun, toot }: ImportOptions): string {
  const done = toot === undefined ? 'marked as old' : `to be tooted ${toot.visibility}, ${toot.pace} an hour`
  return `${found} addresses, ${handled} of them posts: ${fresh} ${dryRun ? 'would be ' : ''}${done}, ${known} known before.`
}
