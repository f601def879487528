/** `kit`: the files and lines by which the handle works on the blog's own domain, and whether they stand there. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkKit } from '../federation/check-kit.ts'
import { type BlogKit, findBlogKit, isKitHost, KIT_HOSTS, type Kit, makeKit } from '../federation/kit.ts'
import { Refused } from '../model/errors.ts'
import { type Args, actingAccount, type Command, flag, type Out, printChecks, value, WrongUsage } from './command.ts'

const USAGE = `--for ${KIT_HOSTS.join('|')} [--out DIR] [--force] [--check] [--as NAME]`

export const kit: Command = {
  words: 'kit',
  usage: USAGE,
  summary:
    'gives the files and lines by which the handle works on the blog’s own domain; with --out it writes the files (--force: over those ' +
    'that are there), with --check it asks whether all stands there',
  options: { as: value, check: flag, for: value, force: flag, out: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const { check = false, for: host } = args
    if (host === undefined && !check) throw new WrongUsage(`Say where the blog lies.\nUsage: tidings kit ${USAGE}`)
    if (host !== undefined && !isKitHost(host)) throw new WrongUsage(`There is no kit for ${host}.\nUsage: tidings kit ${USAGE}`)
    const facts = await findBlogKit(tools, await actingAccount(tools, args), 'Read and reply')
    if (host !== undefined) give(makeKit(host, facts), facts, args, out)
    return check ? printChecks(out, args, await checkKit(tools, facts)) : 0
  }
}

/** The files into a folder, or onto the screen; the lines always onto the screen. */
function give({ files, lines }: Kit, facts: BlogKit, { force = false, json, out: folder }: Args, out: Out): void {
  if (folder !== undefined) for (const path of writeFiles(folder, files, force)) out.progress(`wrote ${path}`)
  if (json) {
    out.print(JSON.stringify({ handle: facts.handle, handle_host: facts.domain, files, lines }))
    return
  }
  for (const { path, text, where } of files) {
    out.print(`# ${path}: ${where}`)
    if (folder === undefined) printText(out, text)
  }
  for (const { text, where } of lines) {
    out.print(`# ${where}`)
    printText(out, text)
  }
  if (!facts.isSet) out.print(`# When this is published: set HANDLE_HOST=${facts.domain}, and start the node again.`)
}

function printText(out: Out, text: string): void {
  for (const line of text.trimEnd().split('\n')) out.print(line.replaceAll('\t', '    '))
  out.print('')
}

/** What is the same already is left. @throws Refused 409 when there is another file of that name; then nothing is written */
function writeFiles(folder: string, files: Kit['files'], force: boolean): string[] {
  const wanted = files.map(({ path, text }) => ({ path: join(folder, path), text }))
  const others = wanted.filter(({ path, text }) => existsSync(path) && readFileSync(path, 'utf8') !== text)
  if (others.length > 0 && !force) {
    const names = others.map(({ path }) => path).join(', ')
    throw new Refused(
      `There is already: ${names}. Add the lines to it by hand (without --out they are shown), or write over it by --force.`,
      {
        ...{ status: 409, code: 'there_already' }
      }
    )
  }
  for (const { path, text } of wanted) {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
  }
  return wanted.map(({ path }) => path)
}
