import assert from 'node:assert/strict'
import { visitor } from '../support/browser.ts'
import { PAGE, startTalk, type Talk } from '../support/talk.ts'

const encoded = encodeURIComponent

describe('GET /api/remote', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk({ TRUST_PROXY: '1' })
    const subject = 'acct:me@s.example'
    const links = [{ rel: 'http://ostatus.org/schema/1.0/subscribe', template: 'https://s.example/authorize_interaction?uri={uri}' }]
    talk.internet.set(`https://s.example/.well-known/webfinger?resource=${encoded(subject)}`, { body: JSON.stringify({ subject, links }) })
  })
  after(() => talk?.close())

  const ask = (account: string, url = PAGE, headers: Record<string, string> = {}) =>
    visitor(talk.node).get(`/api/remote?account=${encoded(account)}&url=${encoded(url)}`, { accept: 'application/json', ...headers })

  it('W33 S1-87 tells the place, and leads nobody there itself', async () => {
    const { headers, status, text } = await ask('@me@s.example')
    const toot = 'https://masto.example/@alice/110000000000000001'
    assert.deepEqual([status, JSON.parse(text)], [200, { url: `https://s.example/authorize_interaction?uri=${encoded(toot)}` }])
    assert.deepEqual([headers.get('cache-control'), headers.get('location')], ['no-store', null])
  })

  it('6.4 tells what is wrong as a sentence with a code', async () => {
    for (const [account, url, status, code] of [
      ['', PAGE, 400, 'no_account'],
      ['me@@s', PAGE, 400, 'bad_account'],
      ['you@s.example', PAGE, 404, 'unknown_account'],
      ['me@nowhere.example', PAGE, 404, 'unknown_server'],
      ['me@s.example', '', 400, 'no_url'],
      ['me@s.example', 'https://evil.example/', 404, 'not_found']
    ] as const) {
      const answer = await ask(account, url, { 'x-forwarded-for': '192.0.2.7' })
      const told = JSON.parse(answer.text)
      assert.deepEqual([answer.status, told.code, typeof told.error], [status, code, 'string'], account)
    }
  })

  it('6.4 without JavaScript the page of a post has a form, which leads to a link', async () => {
    const who = visitor(talk.node)
    const page = await who.get(`/users/alice/posts/${talk.post.id}`)
    const [, url = ''] = /action="\/remote"[\s\S]*?name="url" value="([^"]*)"/.exec(page.text) ?? []
    assert.equal(url, talk.post.uri)
    const proxied = (address: string) => ({ origin: talk.node.url, 'x-forwarded-for': address })
    const answer = await who.post('/remote', { account: 'me@s.example', url }, proxied('192.0.2.20'))
    assert.equal(answer.status, 200)
    assert.match(
      answer.text,
      /<a rel="nofollow noopener noreferrer" href="https:\/\/s\.example\/authorize_interaction\?uri=[^"]*">Go on at s\.example<\/a>/
    )
    const wrong = await who.post('/remote', { account: '<script>alert(1)</script>@s', url }, proxied('192.0.2.20'))
    assert.deepEqual([wrong.status, /<script(?! type="module" src="\/page)/.test(wrong.text)], [400, false])
    assert.match(wrong.text, /role="alert"[\s\S]*name="account" value="&lt;script/, 'it can be put right where it is told')
    assert.ok(wrong.text.includes(`name="url" value="${url}"`))
    assert.equal((await who.post('/remote', { account: 'me@s.example', url }, { origin: 'https://evil.example' })).status, 403)
  })

  it('6.4 whoever follows is not led to an answer', async () => {
    const who = visitor(talk.node)
    const page = await who.get('/users/alice')
    const [, url = '', kind = ''] =
      /action="\/remote"[\s\S]*?name="url" value="([^"]*)"[\s\S]*?name="kind" value="([^"]*)"/.exec(page.text) ?? []
    const headers = { origin: talk.node.url, 'x-forwarded-for': '192.0.2.21' }
    const answer = await who.post('/remote', { account: 'me@s.example', kind, url }, headers)
    assert.match(answer.text, /<h1>Follow from your own server<\/h1>\s*<p>Your server is ready\. There you say that you follow\./)
    const wrong = await who.post('/remote', { account: 'me@nowhere.example', kind, url }, headers)
    assert.deepEqual([wrong.status, /name="kind" value="follow"/.test(wrong.text)], [404, true])
    assert.match(wrong.text, /No server answers at nowhere\.example[\s\S]*value="me@nowhere\.example"/)
  })

  it('X39 ten a minute for an address', async () => {
    const statuses = []
    for (let n = 0; n < 12; n++) statuses.push((await ask('me@s.example', PAGE, { 'x-forwarded-for': '192.0.2.8' })).status)
    assert.deepEqual(statuses, [...Array(10).fill(200), 429, 429])
    const refused = await ask('me@s.example', PAGE, { 'x-forwarded-for': '192.0.2.8' })
    assert.ok(Number(refused.headers.get('retry-after')) > 0)
    assert.equal((await ask('me@s.example', PAGE, { 'x-forwarded-for': '192.0.2.9' })).status, 200)
  })
})
