/**
 * What a page weighs and how long the node takes for it, as the history grows: 10,000 people and up to 1,000,000 posts.
 * A page is asked for again and again over one connection; the time is that from the request to the last byte. The first line is the
 * yardstick: an answer of one query and no page.
 *   node bench/pages.ts [posts,posts,…] [people] [times]
 * With TMPDIR on a fast disk it is filled within minutes. ONLY: pages whose path begins so. HOLD: seconds for which the node stays.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { Pool } from 'undici'
import { assemble } from '../src/assemble.ts'
import { readConfig } from '../src/config.ts'
import type { Account } from '../src/model/kept.ts'
import type { Log } from '../src/model/log.ts'
import { median, startBenchNode } from './node.ts'
import { ANSWERS, addDeliveries, addPeople, addPosts, approveAnswers, idOf } from './support/crowd.ts'

const [sizes = '1000,100000,1000000', people = '10000', times = '60'] = process.argv.slice(2)
const silence: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silence }
const node = await startBenchNode({ ACCOUNT: 'blog', LOG_LEVEL: 'warn' })
const { close, database, tools } = await assemble(readConfig(node.env, { cwd: process.cwd() }), silence, 'command')

/** The first account is made while the node answers already. */
async function accountOf(name: string): Promise<Account> {
  for (;;) {
    const account = await tools.actors.findAccount(name)
    if (account !== undefined) return account
    await sleep(50)
  }
}

const blog = await accountOf('blog')
const session = (await tools.sessions.open(await tools.sessions.addLink(new Date()), new Date()))!
const pool = new Pool(node.url, { connections: 1 })

/** An account beside it that follows two people who hardly write. */
node.command('account', 'add', 'quiet')
const quiet = await accountOf('quiet')

type Asked = { what: string; path: string; owner: boolean }

const OWNER = { cookie: `tidings_session=${session.token}` }

async function ask({ owner, path }: Asked, encoding = 'identity'): Promise<{ ms: number; body: Buffer; vary: string }> {
  const begun = performance.now()
  const headers = { accept: 'text/html', 'accept-encoding': encoding, ...(owner ? OWNER : {}) }
  const answer = await pool.request({ method: 'GET', path, headers })
  const body = Buffer.from(await answer.body.arrayBuffer())
  const ms = performance.now() - begun
  if (answer.statusCode !== 200) throw new Error(`${path} answered ${answer.statusCode}`)
  return { ms, body, vary: String(answer.headers['content-encoding'] ?? '') }
}

/** The pages; some of them stand far back in the history. */
function pagesAt(posts: number): Asked[] {
  const before = (n: number) => `?before=${Date.parse('2024-01-01T00:00:00Z') + n * 60_000}_${idOf(n)}`
  const deep = before(Math.round(posts / 2))
  return [
    { what: 'one query, no page', path: '/readyz', owner: false },
    { what: 'timeline', path: '/', owner: true },
    { what: 'timeline, half way back', path: `/${deep}`, owner: true },
    { what: 'timeline of strangers', path: '/', owner: false },
    { what: 'profile of ours', path: '/users/blog', owner: false },
    { what: 'profile of somebody', path: `/people/${idOf(10)}`, owner: true },
    { what: `post with ${ANSWERS} answers`, path: `/users/blog/posts/${idOf(100)}`, owner: false },
    { what: 'the same, signed in', path: `/users/blog/posts/${idOf(100)}`, owner: true },
    { what: 'search: a common word', path: '/search?q=w1', owner: true },
    { what: 'search: a rare word', path: '/search?q=w19999', owner: true },
    { what: 'search: two words', path: '/search?q=w50+w900', owner: true },
    { what: 'search: no such word', path: '/search?q=w0+w1', owner: true },
    { what: 'search by a stranger', path: '/search?q=w2', owner: false },
    { what: 'log', path: '/log', owner: true },
    { what: 'log of a post', path: `/log/posts/${idOf(Math.floor(posts / 100) * 100)}`, owner: true },
    { what: 'log: followers', path: '/log/followers', owner: true }
  ].filter(({ path }) => !process.env.ONLY || path.startsWith(process.env.ONLY))
}

const kB = (bytes: number) => (bytes / 1000).toFixed(1).padStart(6)

async function measure(asked: Asked): Promise<string> {
  for (let n = 0; n < 5; n++) await ask(asked)
  const runs: number[] = []
  for (let n = 0; n < Number(times); n++) runs.push((await ask(asked)).ms)
  const { body } = await ask(asked)
  const sorted = runs.sort((a, b) => a - b)
  const p95 = sorted[Math.floor(sorted.length * 0.95)]!
  const sent = await ask(asked, 'br')
  return (
    `${asked.what.padEnd(28)} ${median(runs).toFixed(1).padStart(7)} ms  p95 ${p95.toFixed(1).padStart(7)}  best ${sorted[0]!.toFixed(1).padStart(6)}   ` +
    `${kB(body.length)} kB, gzip ${kB(gzipSync(body).length)}, br ${kB(brotliCompressSync(body).length)}; sent ${kB(sent.body.length)} ${sent.vary}`
  )
}

try {
  await addPeople(database.knex, blog, Number(people))
  await database.knex.raw(
    `insert into follows (follower_id, followed_id, via, created_at) select ?, id, 'feed', now() from actors where local_name is null order by id desc limit 2`,
    [quiet.id]
  )
  let kept = 0
  for (const posts of sizes.split(',').map(Number)) {
    const begun = performance.now()
    await addPosts(database.knex, blog, Number(people), kept + 1, posts)
    const own = Array.from({ length: 14 }, (_, n) => (Math.floor(posts / 100) - n) * 100).filter(n => n > kept && n > 0)
    await addDeliveries(database.knex, blog, own)
    if (kept === 0) await approveAnswers(database.knex)
    kept = posts
    console.log(`\n${posts} posts, ${people} people (filled in ${Math.round((performance.now() - begun) / 1000)} s)`)
    await sleep(1000)
    for (const asked of pagesAt(posts)) console.log(await measure(asked))
  }
  if (process.env.HOLD) {
    console.log('held', JSON.stringify({ url: node.url, data: node.env.DATA_DIR, cookie: OWNER.cookie }))
    await sleep(Number(process.env.HOLD) * 1000)
  }
} finally {
  await pool.close()
  await close()
  await node.stop()
}
