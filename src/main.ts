/** Which command; and for those that run a node: starts, and stops by one signal. */
import { createServer, type Server } from 'node:http'
import { relative } from 'node:path'
import { createInterface } from 'node:readline'
import { type Assembled, assemble, type Role, VERSION } from './assemble.ts'
import { type Args, type Command, describeError, type Out, printable, WrongUsage } from './commands/command.ts'
import { type Chosen, carryOut, chooseCommand } from './commands/commands.ts'
import { inviteOwner, prepareNode } from './commands/first-start.ts'
import { type Config, ConfigFaults, describeConfig, readProcessConfig } from './config.ts'
import { gather, makeLog } from './logging.ts'

type Tools = Assembled['tools']

type NodeName = Exclude<Extract<Chosen, { kind: 'process' }>['name'], 'migrate'>

/** Milliseconds from the first signal to the end, in all; of it, what jobs and requests in hand may take. */
const STOP_MS = 9_500
const FINISH_MS = 7_000

/** Milliseconds that whoever asks may take for the head of a request, and for all of it: the longest body has a megabyte (X27). */
const SLOWEST = { headersTimeout: 15_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 }

/** A sentence, or a stack, for people. */
const complain = (text: string) => void process.stderr.write(`${text}\n`)

/** Results on the standard output, progress beside it. */
const line = (stream: NodeJS.WriteStream) => (text: string) => void stream.write(`${printable(text)}\n`)
const OUT: Out = { print: line(process.stdout), progress: line(process.stderr), ask }

/** A line from the terminal or a pipe; its end, or Ctrl-C, is an answer too. */
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise(resolve => {
      lines.once('close', () => resolve(''))
      lines.question(question, resolve)
    })
  } finally {
    lines.close()
  }
}

async function main(line: string[]): Promise<number> {
  const chosen = chooseCommand(line)
  if (chosen.kind === 'version') console.log(VERSION)
  else if (chosen.kind === 'text') console.log(chosen.text)
  else if (chosen.kind === 'command') return runCommand(chosen)
  else if (chosen.name === 'migrate') return migrate(chosen.json)
  else await runNode(chosen.name)
  return 0
}

/** A command may run beside a node, whose log is the node's own: here only warnings are told. */
async function runCommand(chosen: { command: Command; args: Args }): Promise<number> {
  const { config, log } = configure('warn', process.stderr)
  const { tools, close } = await assemble(config, log, 'command')
  try {
    return await carryOut(tools, chosen, OUT, complain)
  } finally {
    await close()
  }
}

async function migrate(json: boolean): Promise<number> {
  const { config, log } = configure('warn', process.stderr)
  // a node's start brings any database up to date
  const { database, close } = await assemble(config, log, 'node')
  const pending = await database.pending()
  await close()
  OUT.print(json ? JSON.stringify({ pending }) : 'The database is up to date.')
  return 0
}

function configure(level: Config['logLevel'], stream: { write(text: string): unknown }) {
  const config = readProcessConfig(level)
  const log = makeLog({ level: config.logLevel, format: config.logFormat }, stream)
  return { config, log }
}

const ROLES: Record<NodeName, Role> = { start: 'node', web: 'web', worker: 'worker' }

/** Runs until a signal comes. */
async function runNode(name: NodeName): Promise<void> {
  const { config, log } = configure('info', gather(1))
  process.on('uncaughtException', error => die(error, 'uncaught')).on('unhandledRejection', error => die(error, 'unhandled'))
  const die = (error: unknown, what: string) => {
    log.error({ error }, what)
    process.exit(1)
  }
  log.info({ pid: process.pid, ...describeConfig(config) }, `tidings ${VERSION} starts`)
  for (const warning of config.warnings) log.warn({}, warning)
  const signal = nextSignal()
  const assembled = await assemble(config, log, ROLES[name])
  const closing = new AbortController()
  let server: Server | undefined
  try {
    // the port first: where it is taken, another node may run on this very database
    server = name === 'worker' ? undefined : await listen(assembled.tools, closing.signal)
    await prepareNode(assembled.tools)
    const finish = name === 'web' ? async () => {} : await startWork(assembled.tools)
    log.info({}, describePlace(config, server))
    if (server !== undefined) await inviteOwner(assembled.tools, complain)
    const what = await signal
    log.info({ signal: what }, 'stops')
    process.once(what, () => process.exit(1))
    setTimeout(() => {
      log.error({}, 'did not stop in time')
      process.exit(1)
    }, STOP_MS).unref()
    closing.abort()
    await Promise.all([server && stopListening(server), finish()])
  } finally {
    // whatever failed: a node that does not work does not listen
    server?.close().closeAllConnections()
    await assembled.close()
  }
  log.info({}, 'stopped')
}

/** The first SIGTERM or SIGINT; it may come while we still start. */
const nextSignal = () =>
  new Promise<NodeJS.Signals>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, resolve)
  })

async function startWork(tools: Tools): Promise<() => Promise<void>> {
  const { startWorker } = await import('./jobs/worker.ts')
  const { startSchedule } = await import('./jobs/schedule.ts')
  const stopWorker = await startWorker(tools)
  const stopSchedule = startSchedule(tools)
  return async () => {
    await Promise.all([stopSchedule(FINISH_MS), stopWorker(FINISH_MS)])
  }
}

/** @throws Error with a sentence when the address cannot be had */
async function listen(tools: Tools, closing: AbortSignal): Promise<Server> {
  const { makeApp } = await import('./web/app.ts')
  const { host, port } = tools.config
  const server = createServer(SLOWEST, makeApp(tools, closing).callback())
  return new Promise((resolve, reject) => {
    const refuse = ({ code, message }: NodeJS.ErrnoException) => {
      const place = `Port ${port}${host === undefined ? '' : ` of ${host}`}`
      const sentence =
        code === 'EADDRINUSE' ? `${place} is in use already: stop who listens there, or set PORT.` : `${place} cannot be used: ${message}`
      reject(new WrongPlace(sentence))
    }
    server.once('error', refuse).listen({ port, ...(host === undefined ? {} : { host }) }, () => resolve(server.off('error', refuse)))
  })
}

class WrongPlace extends Error {
  override name = 'WrongPlace'
}

/** Takes no new connections and finishes the requests in hand; connections that idle are closed as soon as they do. */
async function stopListening(server: Server): Promise<void> {
  const sweep = setInterval(() => server.closeIdleConnections(), 100)
  const cut = setTimeout(() => server.closeAllConnections(), FINISH_MS)
  await new Promise(resolve => server.close(resolve))
  clearInterval(sweep)
  clearTimeout(cut)
}

/** `Listening on http://127.0.0.1:3000, data in ./data, not public yet: …` */
function describePlace(config: Config, server: Server | undefined): string {
  const place = server?.address() ?? 'nowhere'
  const host = (address: string, family: string) => (family === 'IPv6' ? `[${address}]` : address)
  const where = typeof place === 'string' ? 'Working' : `Listening on http://${host(place.address, place.family)}:${place.port}`
  const data =
    config.database === undefined ? `data in ./${relative(process.cwd(), config.dataDir)}`.replace('./../', '../') : 'data in PostgreSQL'
  const peers = config.allowAddresses.length === 0 ? 'federation is off' : 'only hosts inside ALLOW_ADDRESSES are peers'
  return `${where}, ${data}, ${config.isLoopback ? `not public yet: ${peers} until PUBLIC_URL is set` : `public as ${config.publicUrl}`}`
}

/** What ends the program before a command has run. */
function explain(error: unknown): number {
  if (error instanceof WrongUsage || error instanceof ConfigFaults) {
    complain(error.message)
    return 2
  }
  complain(error instanceof WrongPlace ? error.message : describeError(error).error)
  return 1
}

// who reads only the first lines of us is no error
process.stdout.on('error', () => process.exit(0))
process.exitCode = await main(process.argv.slice(2)).catch(explain)
