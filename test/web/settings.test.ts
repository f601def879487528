/** The overview of the settings: what holds, where it was set, and what is never shown. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { settings } from '../../src/settings.ts'
import { signIn, type Visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'

const SECRETS = {
  ...{ MASTODON_OAUTH_TOKEN: 'secret-of-mastodon', METRICS_TOKEN: 'secret-of-metrics', PUBLISH_TOKEN: 'secret-of-publish' },
  SECRET_KEY: 'secret-of-everything'
}

describe('the overview of the settings', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  before(async () => {
    const env = {
      ...SECRETS,
      MASTODON_HOST: 'toot.example',
      DRY_RUN: 'on',
      TOOT_TEMPLATE: '<b>{title}</b>\\n{url}',
      HUBS: 'https://one.example/hub'
    }
    node = await startNode({ accounts: ['ann'], work: false, env })
    owner = await signIn(node)
  })
  after(() => node.close())

  /** What the page shows of each setting, as text. */
  const shown = (text: string) =>
    new Map(
      [...text.matchAll(/<dt><code>([A-Z_]+)<\/code><\/dt>\s*<dd>([\s\S]*?)<br>/g)].map(found => [
        found[1]!,
        found[2]!.replace(/<[^>]*>/g, '').trim()
      ])
    )

  it('2b shows every setting, those of the documentation too, with its value and where it was set', async () => {
    const { text } = await owner.get('/settings')
    const all = shown(text)
    assert.deepEqual([...all.keys()].sort(), Object.keys(settings).sort())
    const documented = readFileSync(new URL('../../docs/configuration.md', import.meta.url), 'utf8')
    for (const [, row = ''] of documented.matchAll(/^\| (`[^|]*`) \|/gm))
      for (const [, name = ''] of row.matchAll(/`([A-Z_]+)`/g)) assert.ok(all.has(name), name)
    assert.equal(all.get('DRY_RUN'), 'on set by environment: change it there')
    assert.equal(all.get('OPEN_HUB'), 'off by default')
    assert.equal(all.get('TOOT_BUDGET'), '10 by default')
    assert.equal(all.get('BLOG_URL'), 'none by default')
    assert.equal(all.get('HUBS'), 'https://one.example/hub set by environment: change it there')
    assert.equal(all.get('TOOT_TEMPLATE'), '&lt;b&gt;{title}&lt;/b&gt;\\n{url} set by environment: change it there')
  })

  it('X49 shows no secret, but that it is set', async () => {
    const { headers, text } = await owner.get('/settings')
    for (const [name, secret] of Object.entries(SECRETS)) {
      assert.equal(shown(text).get(name), 'set, and not shown set by environment: change it there')
      assert.ok(!text.includes(secret), name)
    }
    assert.equal(headers.get('cache-control'), 'no-store')
  })

  it('tells what this node is, also in German, and what it means that it is not public', async () => {
    const { text } = await owner.get('/settings')
    for (const part of [node.url, `@ann@${node.host}`, 'tidings 0.1.0', 'Not public yet.']) assert.ok(text.includes(part), part)
    assert.match((await owner.get('/settings', { 'accept-language': 'de' })).text, /<h1>Einstellungen<\/h1>[\s\S]*Noch nicht öffentlich/)
  })

  it('W36 keeps whether pictures of other people are shown', async () => {
    const kept = () => node.tools.settings.find('pictures')
    assert.equal(await kept(), undefined)
    assert.match((await owner.get('/settings')).text, /name="pictures"[^>]* checked>/)
    assert.equal((await owner.post('/settings', { csrf: owner.csrf })).location, '/settings?saved')
    assert.equal(await kept(), false)
    const { text } = await owner.get('/settings?saved')
    assert.doesNotMatch(text, /name="pictures"[^>]* checked>/)
    assert.match(text, /Saved\./)
    await owner.post('/settings', { csrf: owner.csrf, pictures: 'on' })
    assert.equal(await kept(), true)
  })
})
