import assert from 'node:assert/strict'
import { approve, block } from '../../src/federation/moderate.ts'
import { findRemote } from '../../src/federation/remote.ts'
import { BadMessage, type Failure, Missing, Unreachable } from '../../src/model/errors.ts'
import { PAGE, startTalk, type Talk } from '../support/talk.ts'

const SUBSCRIBE = 'http://ostatus.org/schema/1.0/subscribe'
const TOOT = 'https://masto.example/@alice/110000000000000001'
const encoded = encodeURIComponent

describe('where a visitor’s own server takes an answer', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk({ MODERATION: 'first' })
  })
  after(() => talk?.close())

  const find = (account: string, url = PAGE) => findRemote(talk.tools, account, url)

  /** A server with one account, whose descriptor names a template, or none. */
  const server = (host: string, template?: string, { resource = `acct:me@${host}`, origin = `https://${host}` } = {}) => {
    const links = [
      { rel: 'http://webfinger.net/rel/profile-page', type: 'text/html', href: `${origin}/@me` },
      ...(template === undefined ? [] : [{ rel: SUBSCRIBE, template }])
    ]
    talk.internet.set(`${origin}/.well-known/webfinger?resource=${encoded(resource)}`, {
      headers: { 'content-type': 'application/jrd+json' },
      body: JSON.stringify({ subject: resource, links })
    })
  }

  it('S1-87 W33 works for Mastodon, GNU social, Friendica, Misskey, Pleroma and an old Mastodon, by what each publishes', async () => {
    const post = talk.post.uri
    const table: [string, string, string][] = [
      ['/authorize_interaction?uri={uri}', '/authorize_interaction?uri=', TOOT],
      ['/main/ostatussub?profile={uri}', '/main/ostatussub?profile=', post],
      ['/index.php/main/ostatussub?profile={uri}', '/index.php/main/ostatussub?profile=', post],
      ['/main/remotefollowsub?profile={uri}', '/main/remotefollowsub?profile=', post],
      ['/follow?url={uri}', '/follow?url=', TOOT],
      ['/authorize-follow?acct={uri}', '/authorize-follow?acct=', TOOT],
      ['/ostatus_subscribe?acct={uri}', '/ostatus_subscribe?acct=', TOOT],
      ['/authorize_follow?acct={uri}', '/authorize_follow?acct=', post]
    ]
    for (const [template, path, meant] of table) {
      server('s.example', `https://s.example${template}`)
      assert.equal(await find('me@s.example'), `https://s.example${path}${encoded(meant)}`, template)
    }
  })

  it('W33 takes an account in every spelling, the address of a profile, and a server alone', async () => {
    server('s.example', 'https://web.s.example/authorize_interaction?uri={uri}')
    for (const account of ['me@s.example', '@me@s.example', ' acct:me@s.example ', '@me@S.Example'])
      assert.equal(await find(account), `https://web.s.example/authorize_interaction?uri=${encoded(TOOT)}`, account)
    server('s.example', 'https://web.s.example/follow?url={uri}', { resource: 'https://s.example/@me' })
    assert.equal(await find('https://s.example/@me'), `https://web.s.example/follow?url=${encoded(TOOT)}`)
    server('s.example', 'https://web.s.example/main/ostatussub?profile={uri}', { resource: 'https://s.example/' })
    for (const host of ['s.example', 'S.EXAMPLE', 'https://s.example', 'http://s.example/'])
      assert.equal(await find(host), `https://web.s.example/main/ostatussub?profile=${encoded(talk.post.uri)}`, host)
  })

  it('W33 a server without a template, or without WebFinger of its own name, is asked at the usual place', async () => {
    server('bare.example')
    talk.internet.set('https://other.example/', { body: '<p>hello</p>' })
    for (const account of ['me@bare.example', 'other.example'])
      assert.equal(await find(account), `https://${account.replace('me@', '')}/authorize_interaction?uri=${encoded(TOOT)}`)
  })

  it('X45 leads to https only, or http inside ALLOW_ADDRESSES, behind a host that is not filled in', async () => {
    const usual = `https://s.example/authorize_interaction?uri=${encoded(TOOT)}`
    for (const template of [
      'http://s.example/follow?url={uri}',
      'javascript:alert(1)//{uri}',
      'data:text/html,{uri}',
      'https://{uri}.evil.example/',
      'https://{uri}/',
      'https://{uri}@evil.example/',
      'https://me:secret@evil.example/?{uri}',
      'https://s.example/follow',
      '//evil.example/{uri}',
      '/follow?{uri}',
      ''
    ]) {
      server('s.example', template)
      assert.equal(await find('me@s.example'), usual, template)
    }
    const origin = 'http://127.0.0.1:4000'
    const silent = { error: new Unreachable('no TLS here') }
    talk.internet.set(`https://127.0.0.1:4000/.well-known/webfinger?resource=${encoded('acct:me@127.0.0.1:4000')}`, silent)
    talk.internet.set('https://127.0.0.1:4000/.well-known/host-meta', silent)
    server('127.0.0.1:4000', `${origin}/follow?url={uri}`, { origin })
    assert.equal(await find('me@127.0.0.1:4000'), `${origin}/follow?url=${encoded(TOOT)}`)
    server('127.0.0.1:4000', undefined, { origin })
    assert.equal(await find('me@127.0.0.1:4000'), `${origin}/authorize_interaction?uri=${encoded(TOOT)}`)
  })

  it('W33 a comment is answered where it is, a page without a toot by our post, an account by its URI', async () => {
    const { alice, answerOf, blogPost, keepAnswers, meet, post, reply, tools } = talk
    server('s.example', 'https://s.example/authorize_interaction?uri={uri}')
    const ask = async (url: string) => new URL(await find('me@s.example', url)).searchParams.get('uri')
    const bob = await reply(await meet('bob'), post, { uri: 'tag:a.example,2026:1', url: 'https://a.example/notice/1' })
    const carol = answerOf('carol')
    await keepAnswers([carol, answerOf('dave', { visibility: 'direct' })])
    for (const waiting of [bob.url!, carol.url, carol.uri]) await assert.rejects(ask(waiting), Missing)
    await approve(tools, bob.id)
    await approve(tools, carol.uri)
    assert.equal(await ask(bob.url!), 'https://a.example/notice/1')
    assert.equal(await ask(bob.id), 'https://a.example/notice/1')
    assert.equal(await ask(carol.url), carol.uri)
    const untooted = await blogPost('https://blog.example/untooted/')
    assert.equal(await ask('https://blog.example/untooted/?utm_source=x'), untooted.uri)
    assert.equal(await ask(post.uri), TOOT)
    assert.equal(await ask(alice.uri), alice.uri)
  })

  it('6.4 tells plainly what is wrong: nothing typed, a typo, no such server, no such account, a blocked one, an unknown page', async () => {
    server('s.example', 'https://s.example/follow?url={uri}')
    const fails = async (code: string, account: string, url = PAGE) =>
      assert.rejects(
        find(account, url),
        (error: Failure) => error.code === code && /^[A-Z\w].*[.?…]$/.test(error.message),
        `${account} ${url}`
      )
    await fails('no_account', ' ')
    for (const typo of [
      'me@',
      '@me',
      'a@b@c',
      'me@s example',
      'https://',
      'https://u:p@s.example/',
      'x'.repeat(3000),
      '/\\evil',
      'javascript:x@y',
      '@@'
    ])
      await fails('bad_account', typo)
    await fails('unknown_server', 'me@nowhere.example')
    await fails('unknown_server', 'me')
    await fails('unknown_server', '10.0.0.1')
    await fails('unknown_server', 'localhost')
    await fails('unknown_account', 'you@s.example')
    await fails('no_url', 'me@s.example', '')
    await fails('no_url', 'me@s.example', 'javascript:alert(1)')
    await fails('not_found', 'me@s.example', 'https://evil.example/')
    const before = talk.internet.sent.length
    await block(talk.tools, 's.example')
    await fails('blocked', 'me@s.example')
    await fails('blocked', 's.example')
    await fails('blocked', 'https://sub.s.example/@me')
    assert.equal(talk.internet.sent.length, before)
    await assert.rejects(find(''), BadMessage)
  })
})
