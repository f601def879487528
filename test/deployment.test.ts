/** What deploys the program, held against the program: it names nothing that is not there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chooseCommand } from '../src/commands/commands.ts'
import { readConfig } from '../src/config.ts'

const root = join(import.meta.dirname, '..')
const read = (name: string): string => readFileSync(join(root, name), 'utf8')

describe('what deploys it', () => {
  it('S3-30 Procfile and Dockerfile run processes that there are', () => {
    const lines = [...read('Procfile').matchAll(/^\w+: (.+)$/gm)].map(([, line = '']) => line.split(' '))
    const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(read('Dockerfile')) ?? []
    for (const [node, file, ...words] of [...lines, JSON.parse(command) as string[]]) {
      assert.deepEqual([node, existsSync(join(root, file ?? ''))], ['node', true])
      assert.equal(chooseCommand(words).kind, 'process', words.join(' '))
    }
    assert.deepEqual(
      lines.map(([, , name]) => name),
      ['migrate', 'web', 'worker']
    )
  })

  it('S3-30 the Dockerfile takes along what there is, and what runs needs', () => {
    const taken = [...read('Dockerfile').matchAll(/^COPY (.+) \S+$/gm)].flatMap(([, files = '']) => files.split(' '))
    for (const name of [...taken, 'bin', 'migrations', 'src', 'views'])
      assert.ok(existsSync(join(root, name)) && taken.includes(name), name)
  })

  it('S3-30 app.json asks for settings that there are, and makes the one that must be there', () => {
    const { env } = JSON.parse(read('app.json')) as { env: Record<string, { generator?: string; required?: boolean }> }
    const documented = read('docs/configuration.md')
    for (const name of Object.keys(env)) assert.ok(documented.includes(`\`${name}\``), name)
    assert.equal(env.SECRET_KEY?.generator, 'secret')
    const required = Object.keys(env).filter(name => env[name]?.required !== false && env[name]?.generator === undefined)
    assert.deepEqual(required, [], 'it is deployed by one click')
    const heroku = { DYNO: 'web.1', PORT: '5000', DATABASE_URL: 'postgres://u:p@db.example/x', SECRET_KEY: 'made by the platform' }
    assert.ok(readConfig(heroku, { cwd: root }))
  })

  it('S3-32 it needs Node and nothing of any cloud: no function, no SDK, no other language', () => {
    const { dependencies, engines } = JSON.parse(read('package.json')) as Record<'dependencies' | 'engines', Record<string, string>>
    assert.deepEqual(Object.keys(engines), ['node'])
    assert.deepEqual(
      Object.keys(dependencies).filter(name => /azure|aws|google|cloud|lambda|firebase|edge|dotnet/i.test(name)),
      []
    )
  })
})
