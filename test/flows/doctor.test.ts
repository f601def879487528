/** Each thing broken in turn: doctor names it and its cure, and nothing else. Here: the machine, the blog, Mastodon, what goes out. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { findAccount } from '../../src/federation/accounts.ts'
import { readBlogNow } from '../../src/federation/blog.ts'
import { examine, runDoctor } from '../../src/federation/doctor.ts'
import { MEASURES } from '../../src/federation/doctor-machine.ts'
import { compilePattern } from '../../src/model/patterns.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import { type Case, knexOf, type Patient, startPatient, told, tryCase } from '../support/patient.ts'

const MINUTE = 60_000
const DAY = 86_400_000

describe('doctor', function () {
  this.timeout(60_000)
  let patient: Patient
  before(async () => {
    patient = await startPatient()
  })
  after(async () => {
    await patient?.close()
  })

  it('W52 finds nothing wrong where nothing is, and leaves nothing behind', async () => {
    const checks = await examine(patient.tools)
    assert.deepEqual(told(checks), [])
    assert.deepEqual(
      checks.map(({ id, state }) => `${id} ${state}`),
      [
        ...['database ok', 'disk ok', 'clock ok', 'tls skipped', 'public-url ok', 'own-host-meta ok', 'own-webfinger ok', 'host-meta ok'],
        ...[
          'webfinger ok',
          'signature ok',
          'hub ok',
          'blog ok',
          'feed ok',
          'pattern ok',
          'mastodon ok',
          'queue ok',
          'dead-hosts ok',
          'deliveries ok'
        ]
      ]
    )
    const { knex } = patient.node.database.database
    assert.deepEqual(await knex('settings').whereLike('name', 'echo:%'), [])
    for (const table of ['subscribers', 'deliveries', 'documents']) assert.deepEqual(await knex(table), [], table)
    assert.deepEqual(await knex('actors').whereNull('local_name'), [])
  })

  let kept: Record<string, unknown> = {}
  const CASES: Case[] = [
    {
      ...{
        what: 'a wrong clock',
        id: 'clock',
        sentence: /^The clock of this machine is (29|30)\d seconds ahead of that of 127/,
        cure: /NTP/
      },
      break: ({ time }) => {
        time.off = 5 * MINUTE
      },
      mend: ({ time }) => {
        time.off = 0
      }
    },
    {
      ...{
        what: 'a full disk',
        id: 'disk',
        sentence: /has 12 MB free/,
        cure: /Make room/,
        measures: { ...MEASURES, freeBytes: async () => 12_345_678 }
      },
      break: () => {}
    },
    {
      ...{
        what: 'a disk that is nearly full',
        id: 'disk',
        sentence: /has 900 MB free/,
        cure: /RETENTION_DAYS/,
        measures: { ...MEASURES, freeBytes: async () => 9e8 }
      },
      break: () => {}
    },
    {
      ...{
        what: 'a database that is behind',
        id: 'database',
        sentence: /is not up to date\. Missing steps: 1\.$/,
        cure: /tidings migrate/
      },
      break: async one => {
        ;[kept] = await knexOf(one)('knex_migrations').orderBy('id', 'desc').limit(1)
        await knexOf(one)('knex_migrations')
          .where({ id: kept.id as number })
          .delete()
      },
      mend: async one => void (await knexOf(one)('knex_migrations').insert(kept))
    },
    {
      ...{
        what: 'a blog that answers 500',
        id: 'blog',
        sentence: /^The blog http:\/\/127[\d.:]+\/ does not answer as it should: it answered 500\.$/,
        cure: /nothing that is known is lost/
      },
      break: ({ blog }) => blog.fail('/'),
      mend: ({ blog }) => blog.fail()
    },
    {
      ...{
        what: 'a feed that cannot be read',
        id: 'feed',
        sentence: /could not be read: .*feed\.xml answered 404\.$/,
        cure: /feed validator/
      },
      break: async ({ blog, tools }) => {
        rmSync(join(blog.folder, 'feed.xml'))
        await readBlogNow(tools, (await findAccount(tools, 'blog')).id).catch(() => {})
      },
      mend: async ({ putKit, tools }) => {
        await putKit()
        await readBlogNow(tools, (await findAccount(tools, 'blog')).id)
      }
    },
    {
      ...{
        what: 'a pattern that takes nothing',
        id: 'pattern',
        sentence: /takes none of the 2 addresses in the sitemap, http:\/\/127/,
        cure: /letter by letter/
      },
      break: ({ blog, tools }) => {
        kept = { blogPostPattern: tools.config.blogPostPattern }
        Object.assign(tools.config, { blogPostPattern: compilePattern(`^${blog.origin}/beitraege/`) })
      },
      mend: ({ tools }) => void Object.assign(tools.config, kept)
    },
    {
      ...{
        what: 'a token that was revoked',
        id: 'mastodon',
        sentence: /does not take the token of blog any more/,
        cure: /tidings mastodon connect 127/
      },
      break: ({ mastodon }) => mastodon.revoke(),
      mend: ({ mastodon, tools }) => void Object.assign(tools.config, { mastodonOauthToken: mastodon.grant('read write') })
    },
    {
      ...{ what: 'a Mastodon server that is down', id: 'mastodon', sentence: /with 503/, cure: /when it answers again/ },
      break: ({ mastodon }) => mastodon.fail({ status: 503, path: '/api/v1/accounts/verify_credentials', times: 9 }),
      mend: ({ mastodon }) => mastodon.calm()
    },
    {
      ...{
        what: 'a connection that may only read',
        id: 'mastodon',
        sentence: /lets blog do this only: read; toots need write:statuses/,
        cure: /Connect blog again/
      },
      break: async ({ mastodon, tools }) => {
        const { id } = await findAccount(tools, 'blog')
        await tools.connections.keep({
          accountId: id,
          host: mastodon.origin,
          token: mastodon.grant('read'),
          scope: 'read',
          state: 'ok',
          connectedAt: new Date()
        })
      },
      mend: async ({ tools }) => tools.connections.remove((await findAccount(tools, 'blog')).id)
    },
    {
      ...{
        what: 'a job that nobody does',
        id: 'queue',
        sentence: /^Jobs wait that should have begun: 1\. The oldest \(nobody\.does\) has waited for 60 minutes/,
        cure: /tidings worker/
      },
      break: async one => {
        await knexOf(one).raw(`select ${jobsSchema}.create_queue('nobody.does', '{"policy":"standard"}'::jsonb)`)
        await knexOf(one)(`${jobsSchema}.job`).insert({ name: 'nobody.does', start_after: new Date(Date.now() - 60 * MINUTE) })
      },
      mend: async one => void (await knexOf(one)(`${jobsSchema}.job`).where({ name: 'nobody.does' }).delete())
    },
    {
      ...{
        what: 'a server that takes nothing any more',
        id: 'dead-hosts',
        sentence: /take nothing: dead\.example\.$/,
        cure: /tidings deliveries --to HOST/
      },
      break: async one =>
        void (await knexOf(one)('recipients').insert({
          kind: 'inbox',
          url: 'https://dead.example/inbox',
          host: 'dead.example',
          failures: 9,
          failing_since: new Date(Date.now() - 3 * DAY)
        })),
      mend: async one => void (await knexOf(one)('recipients').where({ host: 'dead.example' }).delete())
    },
    {
      ...{
        what: 'a delivery that was given up',
        id: 'deliveries',
        sentence: /^Deliveries within a day: arrived 0, given up 1\.$/,
        cure: /deliveries retry ID/
      },
      break: async one => {
        const knex = knexOf(one)
        const [to] = await knex('recipients').insert({ kind: 'inbox', url: 'https://a.example/inbox', host: 'a.example' }).returning('id')
        const [what] = await knex('documents')
          .insert({ key: 'x', topic: 'x', content_type: 'x', body: 'x', created_at: new Date() })
          .returning('id')
        await knex('deliveries').insert({
          recipient_id: to.id,
          document_id: what.id,
          state: 'failed',
          created_at: new Date(),
          done_at: new Date()
        })
      },
      mend: async one => {
        for (const table of ['deliveries', 'documents', 'recipients']) await knexOf(one)(table).delete()
      }
    }
  ]

  for (const one of CASES) it(`W52 names ${one.what}, and its cure`, () => tryCase(patient, one))

  it('is well again when all is mended, and keeps what it found', async () => {
    const { at, checks } = await runDoctor(patient.tools)
    assert.deepEqual(told(checks), [])
    assert.deepEqual(await patient.tools.settings.find('doctor'), { at: at.toISOString(), checks: JSON.parse(JSON.stringify(checks)) })
  })
})
