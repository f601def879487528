/** A node on which everything works, to be broken: behind a proxy, with a blog on another domain that has the kit, and a Mastodon account. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { findBlog, readBlogNow, setBlog } from '../../src/federation/blog.ts'
import { examine } from '../../src/federation/doctor.ts'
import { MEASURES, type Measures } from '../../src/federation/doctor-machine.ts'
import { findBlogKit, makeKit } from '../../src/federation/kit.ts'
import type { Check } from '../../src/model/check.ts'
import type { Tools } from '../../src/tools.ts'
import { type Mastodon, startMastodon } from './doubles/mastodon-api.ts'
import { type KitBlog, startKitBlog } from './kit-blog.ts'
import { startNode, type TestNode } from './node.ts'
import { type MeddlingProxy, startProxy } from './proxy.ts'

export type Patient = {
  node: TestNode
  tools: Tools
  proxy: MeddlingProxy
  blog: KitBlog
  mastodon: Mastodon
  /** By how many milliseconds its clock is wrong. */
  time: { off: number }
  /** Puts all of the kit into the blog again. */
  putKit(): Promise<void>
  close(): Promise<void>
}

/** @param tls of the proxy */
export async function startPatient(tls?: () => { key: Buffer; cert: Buffer }): Promise<Patient> {
  const time = { off: 0 }
  const [mastodon, blog, proxy] = [await startMastodon(), await startKitBlog('netlify'), await startProxy(tls)]
  blog.put()
  blog.write(
    'sitemap.xml',
    `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>${blog.origin}/</loc></url><url><loc>${blog.post}</loc></url></urlset>`
  )
  const node = await startNode({
    env: {
      ...{ PUBLIC_URL: proxy.origin, BLOG_URL: `${blog.origin}/`, HANDLE_HOST: `127.0.0.1:${blog.port}` },
      ...{
        BLOG_POST_PATTERN: `^${blog.origin}/posts/`,
        MASTODON_HOST: mastodon.origin,
        MASTODON_OAUTH_TOKEN: mastodon.grant('read write')
      }
    },
    accounts: ['blog'],
    overrides: { clock: () => new Date(Date.now() + time.off) }
  })
  proxy.lead(`http://${node.host}`)
  const { tools } = node
  const account = await findAccount(tools, 'blog')
  await setBlog(tools, account, `${blog.origin}/`)
  await findBlog(tools, account.id)
  await readBlogNow(tools, account.id)
  const putKit = async () => blog.put(makeKit('netlify', await findBlogKit(tools, account, 'Read')))
  await putKit()
  const close = async () => {
    await node.close()
    for (const one of [proxy, blog, mastodon]) await one.close()
  }
  return { node, tools, proxy, blog, mastodon, time, putKit, close }
}

/** What doctor found wrong, or amiss. */
export const told = (checks: Check[]): Check[] => checks.filter(({ state }) => state === 'failure' || state === 'warning')

/** What is broken and how; which check alone finds it, in which words, with a word of its cure; and how it is mended. */
export type Case = {
  what: string
  id: string
  sentence: RegExp
  cure: RegExp
  measures?: Measures
  break(patient: Patient): Promise<void> | void
  mend?(patient: Patient): Promise<void> | void
}

/** Breaks it, looks, and mends it again, whatever was found. */
export async function tryCase(patient: Patient, { cure, id, measures = MEASURES, sentence, ...one }: Case): Promise<void> {
  await one.break(patient)
  try {
    const found = told(await examine(patient.tools, measures))
    assert.deepEqual(
      found.map(check => check.id),
      [id],
      JSON.stringify(found, null, 1)
    )
    assert.match(found[0]!.sentence, sentence)
    assert.match(found[0]!.cure ?? '', cure)
  } finally {
    await one.mend?.(patient)
    patient.proxy.meddle()
  }
}

export const knexOf = ({ node }: Patient) => node.database.database.knex
