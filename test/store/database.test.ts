import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Refused, Unreachable } from '../../src/model/errors.ts'
import { type Database, listen, openDatabase, requireVersion, transaction } from '../../src/store/database.ts'
import { makeMigrationSource } from '../../src/store/migrations.ts'
import { type FreshDatabase, freshDatabase, silence } from '../support/database.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true })
})

/** A folder of migrations, `name: body of up(knex)`. */
function writeMigrations(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidings-test-'))
  folders.push(folder)
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}')
  for (const [name, body] of Object.entries(files)) writeFileSync(join(folder, name), `export async function up(knex) { ${body} }`)
  return folder
}

const statement = (sql: string) => `await knex.raw('${sql}')`

describe('migrations', () => {
  let folder: string
  before(() => {
    folder = writeMigrations({
      '0002-second.ts': statement('create table second (id int)'),
      '0001-first.ts': `${statement('create table first (id int)')}; ${statement('select pg_sleep(0.2)')}`,
      '0003-third.js': statement('create table third (id int)'),
      'notes.md': '',
      '0001-first.d.ts': ''
    })
  })

  it('are listed in order, without an extension, whether .ts or .js', async () => {
    const source = makeMigrationSource(folder)
    assert.deepEqual(await source.getMigrations([]), ['0001-first', '0002-second', '0003-third'])
    assert.equal(source.getMigrationName('0001-first'), '0001-first')
    const { up } = await source.getMigration('0003-third')
    assert.equal(typeof up, 'function')
  })

  it('are run once by three processes that start at once', async () => {
    const { database, settings, drop } = await freshDatabase({ empty: true, migrations: folder })
    const others = await Promise.all([1, 2].map(() => openDatabase(settings, silence)))
    assert.equal(await database.pending(), 4)
    const run = await Promise.all([database, ...others].map(one => one.migrate()))
    assert.deepEqual(run.flat().sort(), ['0001-first', '0002-second', '0003-third', 'pgboss'])
    assert.equal(await database.pending(), 0)
    assert.deepEqual(await database.migrate(), [])
    for (const other of others) await other.close()
    await drop()
  })

  it('go on after a process was killed that held the lock of knex', async () => {
    const { database, drop } = await freshDatabase({ empty: true, migrations: folder })
    await database.migrate()
    await database.knex('knex_migrations_lock').update({ is_locked: 1 })
    await database.knex('knex_migrations').where({ name: '0003-third' }).delete()
    await database.knex.schema.dropTable('third')
    assert.deepEqual(await database.migrate(), ['0003-third'])
    await drop()
  })

  it('leave nothing of a step that fails', async () => {
    const broken = writeMigrations({ '0001-broken.ts': `${statement('create table half (id int)')}; throw new Error('broken')` })
    const { database, drop } = await freshDatabase({ empty: true, migrations: broken })
    await assert.rejects(database.migrate(), /broken/)
    assert.equal(await database.knex.schema.hasTable('half'), false)
    assert.equal(await database.pending(), 2)
    await drop()
  })

  it('let an older release run on a newer database', async () => {
    const older = writeMigrations({ '0001-first.ts': '' })
    const { database, settings, drop } = await freshDatabase({ empty: true, migrations: folder })
    await database.migrate()
    const old = await openDatabase({ ...settings, migrations: older }, silence)
    assert.equal(await old.pending(), 0)
    assert.deepEqual(await old.migrate(), [])
    await old.close()
    await drop()
  })
})

describe('the database', () => {
  let fresh: FreshDatabase
  let database: Database
  before(async () => {
    fresh = await freshDatabase()
    database = fresh.database
  })
  after(() => fresh.drop())

  it('is migrated when a test file gets it', async () => {
    assert.equal(await database.pending(), 0)
    assert.ok(database.version >= 150_000)
  })

  it('refuses a server older than PostgreSQL 15 by a sentence', () => {
    assert.throws(() => requireVersion(140_019), new Refused('The database is PostgreSQL 14, but tidings needs PostgreSQL 15 or later.'))
    requireVersion(150_000)
  })

  it('says when it cannot be reached', async () => {
    const settings = { host: '127.0.0.1', port: 1, user: 'nobody', ssl: 'off', dataDir: tmpdir() } as const
    await assert.rejects(
      openDatabase(settings, silence),
      (error: Error) => error instanceof Unreachable && /ECONNREFUSED/.test(error.message)
    )
  })

  it('limits each statement to 30 seconds and says which process is connected', async () => {
    const { rows } = await database.knex.raw(
      `select current_setting('statement_timeout') as timeout, current_setting('application_name') as name`
    )
    assert.deepEqual(rows, [{ timeout: '30s', name: `tidings:${process.pid}` }])
  })

  it('gives 64-bit numbers as text and times as dates', async () => {
    const { rows } = await database.knex.raw(`select 9007199254740993::int8 as number, timestamptz '2024-02-29 12:00:00.123Z' as time`)
    assert.deepEqual(rows, [{ number: '9007199254740993', time: new Date('2024-02-29T12:00:00.123Z') }])
  })

  it('commits a transaction whole or not at all', async () => {
    await database.knex.raw('create table ledger (id int)')
    const failing = transaction(database, async trx => {
      await trx('ledger').insert({ id: 1 })
      throw new Error('second thoughts')
    })
    await assert.rejects(failing, /second thoughts/)
    assert.deepEqual(await transaction(database, trx => trx('ledger').insert({ id: 2 }).returning('id')), [{ id: 2 }])
    assert.deepEqual(await database.knex('ledger').pluck('id'), [2])
  })

  it('takes an address, and lets DATABASE_SSL decide against what the address says of TLS', async () => {
    const { host = '', port = '', user = '', name = '' } = fresh.settings
    // On another server than the bundled one TLS may well be on.
    if (fresh.settings.url) return assert.ok(database.version)
    const address = `postgresql://${user}@localhost:${port}/${name}?host=${encodeURIComponent(host)}&sslmode=require`
    const byAddress = await openDatabase({ url: address, ssl: 'off', dataDir: tmpdir() }, silence)
    assert.equal(byAddress.bundled, false)
    assert.deepEqual((await byAddress.knex.raw('select current_database() as name')).rows, [{ name }])
    await byAddress.close()
  })

  it('comes back after its connections were cut', async () => {
    await cutConnections(database)
    assert.deepEqual((await database.knex.raw('select 1 as one')).rows, [{ one: 1 }])
  })
})

/** Ends all other connections to this database, as a restart of the server would. */
const cutConnections = ({ knex }: Database) =>
  knex.raw('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()')

describe('listening', () => {
  let fresh: FreshDatabase
  before(async () => {
    fresh = await freshDatabase({ empty: true })
  })
  after(() => fresh.drop())

  /** Listens, and hands out what is heard one by one. */
  async function openEar() {
    const heard = new EventTarget()
    const said: string[] = []
    const tell = (what: string) => {
      said.push(what)
      heard.dispatchEvent(new Event('said'))
    }
    const ear = await listen(fresh.database.pgConfig, 'Test "channel"', tell, () => tell('(listening)'))
    const next = async () => {
      while (said.length === 0) await once(heard, 'said')
      return said.shift()
    }
    return { next, said, close: ear.close }
  }

  const notify = (payload: string) => fresh.database.knex.raw('select pg_notify(?, ?)', ['Test "channel"', payload])

  it('hears what is said, and again after the connection was lost', async () => {
    const ear = await openEar()
    assert.equal(await ear.next(), '(listening)')
    await notify('one')
    assert.equal(await ear.next(), 'one')
    await cutConnections(fresh.database)
    assert.equal(await ear.next(), '(listening)')
    await notify('two')
    assert.equal(await ear.next(), 'two')
    await ear.close()
  })

  it('ends when it is closed, in whatever state', async () => {
    const ear = await openEar()
    await cutConnections(fresh.database)
    await ear.close()
    await ear.close()
    const { rows } = await fresh.database.knex.raw(
      `select from pg_stat_activity where query like 'listen %' and datname = current_database()`
    )
    assert.deepEqual(rows, [])
  })

  it('says when the first connection fails', async () => {
    await assert.rejects(
      listen(
        { host: '127.0.0.1', port: 1, ssl: false },
        'any',
        () => {},
        () => {}
      ),
      Unreachable
    )
  })
})
