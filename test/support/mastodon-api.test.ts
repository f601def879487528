import assert from 'node:assert/strict'
import { type Account, type Status, startMastodon } from './doubles/mastodon-api.ts'
import { as, call, freshMastodon, POST, type Taken } from './doubles/mastodon-api-client.ts'

describe('the stand-in for Mastodon: toots', () => {
  const { now, ask, toot, refused } = freshMastodon()

  it('makes one from a form or from JSON, with all that the documents name', async () => {
    const { server, token } = now()
    const made = await toot('Hello & <welcome>\nall\n\n#Blog', { visibility: 'unlisted', language: 'de', spoiler_text: 'cw' })
    assert.match(made.id, /^\d{18}$/)
    assert.notEqual(String(Number(made.id)), made.id)
    assert.equal(made.uri, `${server.origin}/users/ann/statuses/${made.id}`)
    assert.equal(made.url, `${server.origin}/@ann/${made.id}`)
    const tag = `<a href="${server.origin}/tags/Blog" class="mention hashtag" rel="tag">#<span>Blog</span></a>`
    assert.equal(made.content, `<p>Hello &amp; &lt;welcome&gt;<br />all</p><p>${tag}</p>`)
    assert.deepEqual(made.tags, [{ name: 'blog', url: `${server.origin}/tags/blog` }])
    assert.deepEqual([made.visibility, made.language, made.spoiler_text, made.sensitive], ['unlisted', 'de', 'cw', true])
    assert.deepEqual([made.account.acct, made.edited_at, made.reblog, made.pinned], ['ann', null, null, false])
    assert.deepEqual(made.application, { name: 'By hand', website: null })
    const answer = as<Status>(await ask(POST, { json: { status: 'and', in_reply_to_id: made.id }, token }))
    assert.deepEqual([answer.in_reply_to_id, answer.in_reply_to_account_id], [made.id, made.account.id])
    assert.deepEqual(
      server.statuses().map(({ request }) => [request.method, request.body]),
      [
        ['POST', 'status=Hello+%26+%3Cwelcome%3E%0Aall%0A%0A%23Blog&visibility=unlisted&language=de&spoiler_text=cw'],
        ['POST', JSON.stringify({ status: 'and', in_reply_to_id: made.id })]
      ]
    )
  })

  it('shortens links as Mastodon does', async () => {
    const made = await toot('see https://www.example.com/2026/01/a-long-name-of-a-post/?a=1&b=2, or http://b.example.')
    const attributes = 'target="_blank" rel="nofollow noopener noreferrer" translate="no"'
    const long = `<a href="https://www.example.com/2026/01/a-long-name-of-a-post/?a=1&amp;b=2" ${attributes}><span class="invisible">https://www.</span><span class="ellipsis">example.com/2026/01/a-long-nam</span><span class="invisible">e-of-a-post/?a=1&amp;b=2</span></a>`
    const short = `<a href="http://b.example" ${attributes}><span class="invisible">http://</span><span class="">b.example</span><span class="invisible"></span></a>`
    assert.equal(made.content, `<p>see ${long}, or ${short}.</p>`)
  })

  it('refuses what is empty, too long, unauthorised or out of scope, and makes nothing', async () => {
    const { server, token } = now()
    await refused(POST, { form: { status: ' ' }, token }, 422, "Validation failed: Text can't be blank")
    await refused(POST, { form: { status: 'x'.repeat(501) }, token }, 422, 'Validation failed: Text character limit of 500 exceeded')
    await refused(POST, { form: { status: 'x', visibility: 'all' }, token }, 422, "'all' is not a valid visibility")
    const nowhere = 'The post you are trying to reply to does not appear to exist.'
    await refused(POST, { form: { status: 'x', in_reply_to_id: '1' }, token }, 404, nowhere)
    await refused(POST, { form: { status: 'x' } }, 401, 'The access token is invalid')
    const narrow = { form: { status: 'x' }, token: server.grant('read') }
    await refused(POST, narrow, 403, 'This action is outside the authorized scopes')
    assert.equal((await fetch(`${server.origin}/api/v1/statuses`, { method: 'POST', body: '{', headers: json })).status, 400)
    assert.equal(server.statuses().length, 0)
    as(await ask(POST, { form: { status: 'x' }, token: server.grant('write:statuses') }))
    assert.equal(server.statuses().length, 1)
  })
  const json = { 'content-type': 'application/json' }

  it('counts a link as 23 and a letter of many code points as one', async () => {
    const { server, token } = now()
    await toot(
      `${'x'.repeat(466)} https://example.com/${'y'.repeat(900)} 👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦`
    )
    server.change({ maxCharacters: 20, charactersPerUrl: 20 })
    await toot('https://example.com/a/b/c')
    assert.equal((await ask(POST, { form: { status: 'https://example.com/a !' }, token })).status, 422)
    type Told = { configuration: { statuses: { max_characters: number; characters_reserved_per_url: number } } }
    for (const version of ['v1', 'v2']) {
      const { statuses } = as<Told>(await ask(`GET /api/${version}/instance`)).configuration
      assert.deepEqual([statuses.max_characters, statuses.characters_reserved_per_url], [20, 20])
    }
  })

  it('answers the same toot to the same key for an hour', async () => {
    const { server } = now()
    const { id } = await toot('one', {}, 'k')
    assert.deepEqual([(await toot('two', {}, 'k')).id, server.statuses().length], [id, 1])
    assert.equal(server.statuses()[0]!.repeats.length, 1)
    server.pass(3_599_000)
    assert.equal((await toot('one', {}, 'k')).id, id)
    server.pass(1000)
    assert.notEqual((await toot('one', {}, 'k')).id, id)
    server.forgetIdempotency()
    await toot('one', {}, 'k')
    assert.equal(server.statuses().length, 3)
  })

  it('edits and deletes what is one’s own', async () => {
    const { server, token } = now()
    const { id } = await toot('one')
    const path = `/api/v1/statuses/${id}`
    assert.equal(as<Status>(await ask(`PUT ${path}`, { form: { status: 'one' }, token })).edited_at, null)
    const edited = as<Status>(await ask(`PUT ${path}`, { json: { status: 'two' }, token }))
    assert.deepEqual([edited.content, typeof edited.edited_at], ['<p>two</p>', 'string'])
    await refused(`PUT ${path}`, { form: {}, token }, 422, "Validation failed: Text can't be blank")
    const foreign = { form: { status: 'x' }, token: server.grant('write', 'carl') }
    await refused(`PUT ${path}`, foreign, 404, 'Record not found')
    assert.equal(as<Status>(await ask(`DELETE ${path}`, { token })).text, 'two')
    await refused(`GET ${path}`, {}, 404, 'Record not found')
    const [made] = server.statuses()
    assert.deepEqual([server.statuses().length, made!.gone, made!.edits.length], [1, true, 2])
  })

  it('keeps private ones from strangers', async () => {
    const { server, token } = now()
    const { id } = await toot('secret', { visibility: 'private' })
    assert.equal((await ask(`GET /api/v1/statuses/${id}`)).status, 404)
    assert.equal((await ask(`GET /api/v1/statuses/${id}`, { token: server.grant('read', 'carl') })).status, 404)
    assert.equal((await ask(`GET /api/v1/statuses/${id}`, { token })).status, 200)
    assert.equal((await ask(`GET /api/v1/statuses/${id}`, { token: server.grant('write:statuses') })).status, 403)
  })

  it('lists an account, the newest first, by pages', async () => {
    const { server } = now()
    const ids: string[] = []
    for (let n = 0; n < 45; n++) ids.unshift((await toot(`toot ${n}`)).id)
    const { id } = as<Account>(await ask('GET /api/v1/accounts/lookup?acct=ann'))
    const list = async (query: string) => await ask(`GET /api/v1/accounts/${id}/statuses${query}`)
    const idsOf = (given: Taken) => as<Status[]>(given).map(status => status.id)
    assert.deepEqual(idsOf(await list('')), ids.slice(0, 20))
    const first = await list('?limit=99')
    assert.deepEqual(idsOf(first), ids.slice(0, 40))
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.get('link')!)![1]!
    assert.equal(next, `${server.origin}/api/v1/accounts/${id}/statuses?limit=99&max_id=${ids[39]}`)
    assert.deepEqual(idsOf(await list(new URL(next).search)), ids.slice(40))
    assert.deepEqual(idsOf(await list(`?limit=2&min_id=${ids[5]}`)), ids.slice(3, 5))
    assert.deepEqual(idsOf(await list(`?since_id=${ids[2]}`)), ids.slice(0, 2))
    const foreign = server.reply({ to: ids[0]!, as: 'carl', text: 'hm' })
    const [answer, thread] = [await toot('hm?', { in_reply_to_id: foreign }), await toot('and', { in_reply_to_id: ids[0]! })]
    assert.deepEqual(idsOf(await list('?limit=2')), [thread.id, answer.id])
    assert.deepEqual(idsOf(await list('?limit=2&exclude_replies=true')), [thread.id, ids[0]])
    assert.equal((await ask('GET /api/v1/accounts/1/statuses')).status, 404)
  })

  it('writes the addresses of another host when told', async () => {
    const named = await startMastodon({ publicOrigin: 'https://social.example' })
    const made = as<Status>(await call(named.origin, POST, { form: { status: 'x' }, token: named.grant() }))
    assert.equal(made.url, `https://social.example/@owner/${made.id}`)
    assert.equal(named.account('owner@social.example').acct, 'owner')
    await named.close()
  })
})
