/**
 * A process that visits the page of a blog post and may die of it: `node toot-worker.ts URL STEP [AHEAD]`. Its settings are those of
 * the environment. STEP is where kill -9 meets it, AHEAD by how many milliseconds its clock goes before.
 */
import { assemble } from '../../src/assemble.ts'
import { readProcessConfig } from '../../src/config.ts'
import { tootOf } from '../../src/federation/toot.ts'
import type { Tools } from '../../src/tools.ts'
import { silence } from './database.ts'

/** The transactions of a first visit, in their order. */
const TRANSACTIONS = ['take', 'claim', 'settle']

export const STEPS = [
  ...TRANSACTIONS.flatMap(name => [`before the commit of ${name}`, `after the commit of ${name}`]),
  'before the toot',
  'after the toot'
] as const

const die = (): Promise<never> => {
  process.kill(process.pid, 'SIGKILL')
  return new Promise(() => {})
}

function mortal(tools: Tools, step: string): Tools {
  let count = 0
  const transaction: Tools['transaction'] = async work => {
    const name = TRANSACTIONS[count++]
    const result = await tools.transaction(async stores => {
      const done = await work(stores)
      return step === `before the commit of ${name}` ? die() : done
    })
    return step === `after the commit of ${name}` ? die() : result
  }
  const request: Tools['http']['request'] = async (url, ask) => {
    const isToot = ask?.method === 'POST'
    if (isToot && step === 'before the toot') return die()
    const answer = await tools.http.request(url, ask)
    return isToot && step === 'after the toot' ? die() : answer
  }
  return { ...tools, transaction, http: { ...tools.http, request } }
}

async function main([url = '', step = '', ahead = '0']: string[]): Promise<void> {
  const clock = () => new Date(Date.now() + Number(ahead))
  const { close, tools } = await assemble(readProcessConfig('silent'), silence, 'web', { clock })
  const { tootId } = await tootOf(mortal(tools, step), url)
  process.stdout.write(`${tootId}\n`)
  await close()
}

if (import.meta.main) await main(process.argv.slice(2))
