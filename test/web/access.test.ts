/** The passphrase, and where the owner is signed in. */
import assert from 'node:assert/strict'
import { isPassphrase } from '../../src/federation/passphrase.ts'
import { nameBrowser } from '../../src/web/agent.ts'
import { type Answer, signIn, type Visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'

const PATH = '/settings/access'
const RIGHT = 'eight grey geese'

describe('the page of the sign-in', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  beforeEach(async () => {
    node = await startNode({ accounts: ['ann'], work: false })
    owner = await signIn(node)
  })
  afterEach(() => node.close())

  const set = (wanted: string, more: Record<string, string> = {}) =>
    owner.post(`${PATH}/passphrase`, { csrf: owner.csrf, wanted, again: wanted, ...more })
  const says = ({ status, text }: Answer, expected: number, words: RegExp) => {
    assert.equal(status, expected, text)
    assert.match(text.replace(/<[^>]*>/g, ''), words)
  }

  it('sets a passphrase, changes it with the present one alone, and signs out everywhere else then', async () => {
    const elsewhere = await signIn(node)
    says(await owner.get(PATH), 200, /There is none yet/)
    assert.equal((await set(RIGHT)).location, `${PATH}?done=set`)
    assert.equal((await elsewhere.get(PATH)).status, 200)
    says(await set('nine white swans'), 403, /This is not the passphrase/)
    says(await set('nine white swans', { present: 'eight grey goose' }), 403, /This is not the passphrase/)
    assert.equal(await isPassphrase(node.tools, RIGHT), true)
    assert.equal((await set('nine white swans', { present: RIGHT })).location, `${PATH}?done=changed`)
    assert.equal(await isPassphrase(node.tools, 'nine white swans'), true)
    assert.equal(await isPassphrase(node.tools, RIGHT), false)
    assert.equal((await elsewhere.get(PATH)).status, 403)
    says(await owner.get(`${PATH}?done=changed`), 200, /The passphrase is changed/)
    says(await owner.get(`${PATH}?done=<b>`), 200, /^(?![\s\S]*<b>)/)
  })

  it('tells what is wrong with a new one', async () => {
    const table: [Record<string, string>, RegExp][] = [
      [{ wanted: 'too short', again: 'too short' }, /at least 12 characters/],
      [{ wanted: 'aaaaaaaaaaaaaaa', again: 'aaaaaaaaaaaaaaa' }, /so few different characters/],
      [{ wanted: 'x'.repeat(201), again: 'x'.repeat(201) }, /at most 200/],
      [{ wanted: RIGHT, again: `${RIGHT}!` }, /not written the same way twice/]
    ]
    for (const [form, words] of table) says(await set('', form), 400, words)
    assert.equal(await isPassphrase(node.tools, ''), false)
  })

  it('removes it with the present one alone, and tries no more than ten', async () => {
    await set(RIGHT)
    const remove = (present: string) => owner.post(`${PATH}/passphrase/remove`, { csrf: owner.csrf, present })
    says(await remove('eight'), 403, /This is not the passphrase/)
    assert.equal((await remove(RIGHT)).location, `${PATH}?done=removed`)
    says(await owner.get(PATH), 200, /There is none yet/)
    await set(RIGHT)
    for (let i = 0; i < 8; i++) assert.equal((await remove('eight')).status, 403)
    const late = await remove(RIGHT)
    says(late, 429, /Too many passphrases/)
    assert.ok(late.headers.get('retry-after'))
  })

  it('ends one sign-in, or all others', async () => {
    const [one, other] = [await signIn(node), await signIn(node)]
    const page = await owner.get(PATH)
    const ids = [...page.text.matchAll(/name="session" value="([\da-f-]{36})"/g)].map(found => found[1]!)
    assert.equal(ids.length, 2)
    assert.equal((await owner.post(`${PATH}/end`, { csrf: owner.csrf, session: ids[0]! })).status, 303)
    assert.deepEqual([(await other.get(PATH)).status, (await one.get(PATH)).status].sort(), [200, 403])
    for (const session of ['x', `${ids[1]}'`, ''])
      assert.equal((await owner.post(`${PATH}/end`, { csrf: owner.csrf, session })).status, 400)
    assert.equal((await owner.post(`${PATH}/end`, { csrf: owner.csrf })).location, `${PATH}?done=ended`)
    assert.deepEqual([(await one.get(PATH)).status, (await other.get(PATH)).status, (await owner.get(PATH)).status], [403, 403, 200])
  })

  it('X41 knows a browser by two words, and repeats nothing of what it says', () => {
    const table: [string, string | undefined][] = [
      ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox, Linux'],
      [
        'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15',
        'Safari, macOS'
      ],
      [
        'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Version/17.0 Mobile/15E148 Safari/604.1',
        'Safari, iOS'
      ],
      ['Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36', 'Chrome, Android'],
      ['Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0', 'Edge, Windows'],
      ['curl/8.0', undefined],
      ['<script>alert(1)</script>', undefined],
      ['', undefined]
    ]
    for (const [agent, name] of table) assert.equal(nameBrowser(agent), name, agent)
  })
})
