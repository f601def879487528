/** The page of the owner's Mastodon account, in a browser that goes there and comes back. */
import assert from 'node:assert/strict'
import { findConnection, postStatus } from '../../src/federation/mastodon.ts'
import { makeLog } from '../../src/logging.ts'
import type { Account } from '../../src/model/kept.ts'
import { type Answer, signIn, type Visitor, visitor } from '../support/browser.ts'
import { consent, type Mastodon, startMastodon } from '../support/doubles/mastodon-api.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { accountOf } from '../support/residents.ts'

const PATH = '/settings/mastodon'
const unescaped = (text = '') => text.replaceAll('&amp;', '&')

describe('the page of Mastodon', function () {
  this.timeout(20_000)
  let mastodon: Mastodon
  let node: TestNode
  let alice: Account
  let owner: Visitor & { csrf: string }
  const lines: string[] = []

  before(async () => {
    mastodon = await startMastodon()
    const log = makeLog({ level: 'debug', format: 'json' }, { write: text => lines.push(text) })
    node = await startNode({ accounts: ['alice', 'zoe'], work: false, log })
    alice = await accountOf(node.tools, 'alice')
    owner = await signIn(node)
  })
  after(async () => {
    await node?.close()
    await mastodon?.close()
  })
  beforeEach(async () => {
    mastodon.calm()
    await node.tools.connections.remove(alice.id)
    await node.tools.changes.tell(`connection:${alice.id}`)
  })

  const begin = async (form: Record<string, string> = {}) => {
    const answer = await owner.post(PATH, { csrf: owner.csrf, host: mastodon.origin, as: 'alice', ...form })
    const [address, codeAddress] = [...answer.text.matchAll(/href="([^"]*\/oauth\/authorize[^"]*)"/g)].map(found => unescaped(found[1]))
    return {
      answer,
      address: address ?? '',
      codeAddress: codeAddress ?? '',
      state: /name="state" value="([^"]*)"/.exec(answer.text)?.[1] ?? ''
    }
  }
  /** The browser at the server, and the path of ours that it is sent back to. */
  const allow = async (address: string, choice: 'allow' | 'deny' = 'allow') => (await consent(address, choice)).slice(node.url.length)
  const connect = async () => owner.get(await allow((await begin()).address))
  const says = ({ status, text }: Answer, expected: number, words: RegExp) => {
    assert.equal(status, expected, text)
    assert.match(text.replace(/<[^>]*>/g, ''), words)
  }

  it('S1-27 goes to the server by a link, comes back with a code, and shows whose account it is', async () => {
    says(await owner.get(PATH), 200, /@alice\s+Not connected/)
    const { address, answer } = await begin()
    says(answer, 200, new RegExp(`Go to ${mastodon.host} to allow it`))
    assert.match(answer.text, /<code dir="ltr">profile write:statuses read:statuses<\/code>/)
    assert.equal(answer.headers.get('cache-control'), 'no-store')
    assert.match(answer.headers.get('content-security-policy') ?? '', /form-action 'self';/)
    const back = await owner.get(await allow(address))
    assert.deepEqual([back.status, back.location], [303, PATH])
    assert.equal(back.headers.get('cache-control'), 'no-store')
    const page = await owner.get(PATH)
    says(page, 200, new RegExp(`Toots as @owner@${mastodon.host}\\s+Connected on .* UTC\\. Permissions: profile write:statuses`))
    assert.match(page.text, /<img class="avatar" src="\/media\/\w+" alt=""/)
    assert.doesNotMatch(page.text, new RegExp(`src="${mastodon.origin}`))
  })

  it('S1-29 takes the code by hand where the browser is not sent back', async () => {
    const { codeAddress, state } = await begin()
    const code = await consent(codeAddress)
    const done = await owner.post(`${PATH}/code`, { csrf: owner.csrf, state, code })
    assert.deepEqual([done.status, done.location], [303, PATH])
    says(await owner.get(PATH), 200, /Toots as @owner@/)
  })

  it('S1-28 says when more is asked for than is needed, and asks for all when a server refuses less in the browser', async () => {
    const { address, answer } = await begin({ wide: 'on' })
    says(answer, 200, /read write\.\s+That is more than is needed/)
    assert.equal(new URL(address).searchParams.get('scope'), 'read write')
    assert.match((await begin()).answer.text, /name="wide" value="on"/)
  })

  it('tells on the page what went wrong, and offers to begin again', async () => {
    says(await owner.get(await allow((await begin()).address, 'deny')), 403, /You did not allow it at 127[\s\S]*Connect an account/)
    says((await begin({ host: 'a b' })).answer, 400, /Connect an account/)
    says((await begin({ host: '10.0.0.1' })).answer, 422, /not a public address/)
    const { state } = await begin()
    says(await owner.post(`${PATH}/code`, { csrf: owner.csrf, state, code: 'wrong' }), 422, /invalid_grant/)
    says(await owner.get(`${PATH}/callback?error=x&state=%00`), 403, /Begin again/)
    says(await owner.get(`${PATH}/callback`), 403, /Begin again/)
    says((await begin({ as: 'nobody' })).answer, 404, /no account nobody/)
    mastodon.fail({ status: 422, path: '/api/v1/apps', body: { error: '<b>no</b>' }, times: 9 })
    assert.match((await begin()).answer.text, /with 422: &lt;b&gt;no/)
    says(await owner.get(PATH), 200, /Not connected/)
  })

  it('X44 X45 nothing happens without the session, its token and a state that it was given', async () => {
    const { address, state } = await begin()
    const back = await allow(address)
    assert.equal((await visitor(node).get(PATH)).status, 403)
    const signedOut = await visitor(node).get(back)
    says(signedOut, 403, /npx tidings signin/)
    for (const path of [PATH, `${PATH}/code`, `${PATH}/disconnect`]) {
      const form = { csrf: owner.csrf, host: mastodon.origin, as: 'alice', state, code: 'x' }
      assert.equal((await visitor(node).post(path, form)).status, 403)
      assert.equal((await owner.post(path, { ...form, csrf: 'x' })).status, 403)
      assert.equal((await owner.post(path, form, { origin: 'https://evil.example' })).status, 403)
    }
    says(await owner.get(back.replace(state, 'x'.repeat(43))), 403, /Begin again/)
    assert.equal(await node.tools.connections.find(alice.id), undefined)
    assert.equal((await owner.get(back)).status, 303)
    says(await owner.get(back), 403, /finished already/)
  })

  it('S2b speaks German to who reads German, also of what went wrong', async () => {
    const german = { 'accept-language': 'de' }
    says(await owner.get(PATH, german), 200, /@alice\s+Nicht verbunden: Die Beiträge des Blogs werden nicht getrötet\./)
    const form = { csrf: owner.csrf, host: '10.0.0.1', as: 'alice' }
    const wrong = await owner.post(PATH, form, { origin: node.url, ...german })
    says(wrong, 422, /10\.0\.0\.1 ist keine öffentliche Adresse\./)
  })

  it('disconnects', async () => {
    await connect()
    const { token } = (await node.tools.connections.find(alice.id))!
    const done = await owner.post(`${PATH}/disconnect`, { csrf: owner.csrf, as: 'alice' })
    assert.deepEqual([done.status, done.location], [303, PATH])
    says(await owner.get(PATH), 200, /@alice\s+Not connected/)
    assert.ok(mastodon.requests({ path: '/oauth/revoke' }).some(({ body }) => body.includes(token)))
    assert.equal((await owner.post(`${PATH}/disconnect`, { csrf: owner.csrf, as: 'alice' })).status, 404)
  })

  it('T3 tells the owner on every page when the server refuses the token, nobody else, and no more once it is connected anew', async () => {
    await connect()
    const banner = /does not take our token any more: 1 toot waits\./
    const url = 'https://blog.example/1'
    await node.tools.toots.want([{ key: 'blog.example/1', url, accountId: alice.id, dueAt: new Date() }], new Date())
    assert.doesNotMatch((await owner.get('/')).text, banner)
    mastodon.revoke()
    const connection = (await findConnection(node.tools, alice.id))!
    await assert.rejects(postStatus(node.tools, connection, { text: 'x', visibility: 'public', key: 'k' }), { peer: 401 })
    await until('the banner', async () => banner.test((await owner.get('/')).text))
    for (const path of ['/users/zoe', '/search', PATH]) assert.match((await owner.get(path)).text, banner)
    says(await owner.get(PATH), 200, /Nothing is lost: connect again/)
    assert.doesNotMatch((await visitor(node).get('/')).text, banner)
    assert.equal((await connect()).status, 303)
    await until('its end', async () => !banner.test((await owner.get('/')).text))
  })

  it('S1-37 shows the token of the settings, and says so of the one that holds', async () => {
    const env = { ACCOUNT: 'ann', MASTODON_HOST: mastodon.origin, MASTODON_OAUTH_TOKEN: mastodon.grant(), MASTODON_USER: 'owner' }
    const other = await startNode({ accounts: ['ann'], work: false, env })
    try {
      const mine = await signIn(other)
      says(await mine.get(PATH), 200, /Toots as @owner@.*\s+Set by MASTODON_HOST and MASTODON_OAUTH_TOKEN\./)
      const made = { accountId: (await accountOf(other.tools, 'ann')).id, host: 'https://toot.example', token: 'x', username: 'me' }
      await other.tools.connections.keep({ ...made, state: 'ok', connectedAt: new Date() })
      says(await mine.get(PATH), 200, /Toots as @me@toot\.example[\s\S]*MASTODON_HOST names 127\.0\.0\.1:\d+, which is not used/)
    } finally {
      await other.close()
    }
  })

  it('X49 X41 neither log nor page holds a secret, and what a server calls itself is text', async () => {
    const evil = { url: 'javascript:alert(1)', username: '<script>', scope: '"><script>', avatar: 'https://toot.example/a.png' }
    await node.tools.connections.keep({
      ...evil,
      accountId: alice.id,
      host: 'https://toot.example',
      token: 'the-token',
      state: 'ok',
      connectedAt: new Date()
    })
    const page = await owner.get(PATH)
    assert.doesNotMatch(page.text, /<script(?! type="module" src="\/page)|javascript:|the-token|toot\.example\/a\.png/)
    const { address, state } = await begin()
    const back = await allow(address)
    await owner.get(back)
    const code = new URLSearchParams(back.split('?')[1]).get('code')!
    await until('its line', () => lines.some(line => line.includes('/callback?')))
    const { clientSecret = '', token } = (await node.tools.connections.find(alice.id))!
    for (const secret of [code, state, token, clientSecret, owner.csrf]) assert.ok(!lines.join('').includes(secret), secret)
  })
})
