import assert from 'node:assert/strict'
import type { Account, Context, Status } from './doubles/mastodon-api.ts'
import { as, freshMastodon } from './doubles/mastodon-api-client.ts'

describe('the stand-in for Mastodon: the thread', () => {
  const { now, ask, toot } = freshMastodon()

  const context = async (id: string, given = {}) => as<Context>(await ask(`GET /api/v1/statuses/${id}/context`, given))

  it('shows replies from here and elsewhere, edited and removed', async () => {
    const { server, token } = now()
    const { id } = await toot('post')
    const bob = server.reply({ to: id, as: 'bob@other.example', text: '@ann nice <b>', uri: 'https://other.example/1' })
    const carl = server.reply({ to: bob, as: 'carl', html: '<p onclick="x()">yes</p>' })
    const dora = server.reply({ to: id, as: 'dora@other.example', text: 'psst', visibility: 'direct' })
    const { descendants } = await context(id)
    assert.deepEqual(
      descendants.map(({ id, account, in_reply_to_id }) => [id, account.acct, in_reply_to_id]),
      [
        [bob, 'bob@other.example', id],
        [carl, 'carl', bob]
      ]
    )
    const [first, second] = descendants as [Status, Status]
    const profile = `<span class="h-card" translate="no"><a href="${server.origin}/@ann" class="u-url mention">@<span>ann</span></a></span>`
    assert.equal(first.content, `<p>${profile} nice &lt;b&gt;</p>`)
    assert.deepEqual([first.uri, first.url], ['https://other.example/1', `https://other.example/@bob/${bob}`])
    assert.deepEqual([first.account.url, first.mentions[0]!.acct], ['https://other.example/@bob', 'ann'])
    assert.equal(second.content, '<p onclick="x()">yes</p>')
    assert.deepEqual(
      (await context(id, { token })).descendants.map(status => status.id),
      [bob, carl, dora]
    )
    assert.deepEqual(
      (await context(carl)).ancestors.map(status => status.id),
      [id, bob]
    )
    server.editReply(carl, { text: 'no' })
    server.deleteReply(bob)
    assert.deepEqual((await context(id)).descendants, [])
    const left = as<Status>(await ask(`GET /api/v1/statuses/${carl}`))
    assert.deepEqual([left.content, left.in_reply_to_id, typeof left.edited_at], ['<p>no</p>', null, 'string'])
    assert.equal(server.statuses().length, 1)
    assert.throws(() => server.reply({ to: bob, as: 'carl', text: 'x' }), /no status/)
  })

  it('shows sixty replies to strangers and all to the owner', async () => {
    const { server, token } = now()
    const { id } = await toot('post')
    for (let n = 0; n < 70; n++) server.reply({ to: id, as: `u${n}@other.example`, text: 'x' })
    assert.equal((await context(id)).descendants.length, 60)
    assert.equal((await context(id, { token })).descendants.length, 70)
  })

  it('lists likes and boosts by pages of Link', async () => {
    const { server } = now()
    const { id } = await toot('post')
    for (let n = 0; n < 90; n++) server.favourite(id, `u${n}@other.example`)
    server.favourite(id, 'u0@other.example')
    server.boost(id, 'carl')
    server.boost(id, 'bob@other.example')
    server.boost(id, 'carl', false)
    server.favourite(id, 'u1@other.example', false)
    const names: string[] = []
    let path: string | undefined = `/api/v1/statuses/${id}/favourited_by?limit=500`
    for (let pages = 0; path; pages++) {
      const page = await ask(`GET ${path}`)
      assert.equal(as<Account[]>(page).length, pages ? 9 : 80)
      names.push(...as<Account[]>(page).map(account => account.acct))
      path = /<http:\/\/[^/]+([^>]+)>; rel="next"/.exec(page.headers.get('link') ?? '')?.[1]
    }
    assert.deepEqual([new Set(names).size, names.at(-1)], [89, 'u0@other.example'])
    assert.equal(as<Account[]>(await ask(`GET /api/v1/statuses/${id}/favourited_by`)).length, 40)
    const boosters = as<Account[]>(await ask(`GET /api/v1/statuses/${id}/reblogged_by`))
    assert.deepEqual(
      boosters.map(account => account.acct),
      ['bob@other.example']
    )
    const { favourites_count, reblogs_count } = as<Status>(await ask(`GET /api/v1/statuses/${id}`))
    assert.deepEqual([favourites_count, reblogs_count], [89, 1])
  })

  it('gives everybody a face, and the name that a test wants', async () => {
    const { server } = now()
    const made = server.account('bob@other.example', { display_name: '<i>Bob</i>' })
    assert.equal(made.display_name, '<i>Bob</i>')
    const picture = await fetch(made.avatar)
    assert.equal(picture.headers.get('content-type'), 'image/png')
    assert.equal(Buffer.from(await picture.arrayBuffer()).toString('latin1', 1, 4), 'PNG')
  })
})
