/** X44 as one table: every route that is the owner's x everything that is not the owner's own form. No route can be forgotten. */
import assert from 'node:assert/strict'
import { makeApp } from '../../src/web/app.ts'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf, keepPost, meet } from '../support/residents.ts'

/** What others may send without being the owner: each has a proof of its own, or changes nothing. */
const OPEN_POSTS = [
  '/remote',
  '/hub',
  '/push/:token',
  '/echo/:token',
  '/inbox',
  '/users/:name/inbox',
  '/users/:name/salmon',
  '/publish',
  '/signin'
]
/** No; or that the address takes no forms at all, which some say themselves. */
const REFUSALS = [403, 405]
/** Pages that are the owner's alone. */
const OWN_PAGES = /^\/(settings|setup|moderation|log|events)(\/|$)/

type Layer = { path: string | RegExp; methods: string[] }
type Route = { method: string; path: string }

/** Every route of the application, out of the routers themselves. */
function routesOf(node: TestNode): Route[] {
  const parts = makeApp(node.tools).middleware as unknown as { router?: { stack: Layer[] } }[]
  const layers = parts.flatMap(({ router }) => router?.stack ?? [])
  return layers.flatMap(({ methods, path }) => methods.filter(method => method !== 'HEAD').map(method => ({ method, path: String(path) })))
}

describe('every route of the owner', function () {
  this.timeout(60_000)
  let node: TestNode
  let owner: Visitor & { csrf: string }
  let other: Visitor & { csrf: string }
  let late: string
  let lateLink: string
  let form: Record<string, string>
  let fill: (path: string) => string
  let own: { posts: string[]; pages: string[] }

  before(async () => {
    node = await startNode({ accounts: ['ann'], work: false })
    const { tools } = node
    const ann = await accountOf(tools, 'ann')
    const bob = await meet(tools, 'bob')
    const post = await keepPost(tools, ann, { html: '<p>as it was</p>' })
    await tools.follows.add({ followerId: ann.id, followedId: bob.id, via: 'feed' }, new Date())
    owner = await signIn(node)
    other = await signIn(node)
    const before = new Date(Date.now() - 31 * 24 * 3_600_000)
    late = (await tools.sessions.begin(before)).token
    lateLink = await tools.sessions.addLink(before)
    const { id: session } = (await tools.sessions.all(new Date()))[0]!
    // whatever a form of ours may hold: if a route took it, something would change
    form = {
      ...{ as: 'ann', post: post.id, verb: 'favourite', text: 'changed', html: '<p>changed</p>', title: 'changed', actor: bob.id },
      ...{ q: 'carol@b.example', host: 'toot.example', state: 'x', code: 'x', url: 'https://blog.example/', name: 'zoe', session },
      ...{ wanted: 'four plain words', again: 'four plain words', present: '', how: 'import', source: 'sitemap' }
    }
    const values: Record<string, string> = { ':name': 'ann', ':id': post.id }
    fill = path => path.replace(/:\w+/g, name => values[name] ?? 'x')
    const routes = routesOf(node)
    own = {
      posts: routes.filter(({ method, path }) => method === 'POST' && !OPEN_POSTS.includes(path)).map(({ path }) => path),
      pages: routes.filter(({ method, path }) => method === 'GET' && OWN_PAGES.test(path)).map(({ path }) => path)
    }
  })
  after(() => node.close())

  /** A digest of every row that there is. */
  async function everything(): Promise<Record<string, string>> {
    const { knex } = node.database.database
    const { rows: tables } = await knex.raw(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
       where table_type = 'BASE TABLE' and (table_schema = 'public' or (table_schema, table_name) = ('pgboss', 'job'))`
    )
    const digests: Record<string, string> = {}
    for (const { name } of tables) {
      const { rows } = await knex.raw(`select md5(coalesce(string_agg(t::text, '|' order by t::text), '')) as digest from ${name} t`)
      digests[name] = rows[0].digest
    }
    return digests
  }

  it('X44 is found in the routers, so that a new one cannot be forgotten', () => {
    const forms = ['/notes', '/acts', '/signout', '/unfollow', '/search', '/users/:name/posts/:id/edit', '/users/:name/posts/:id/delete']
    const settings = [
      '/settings',
      '/settings/access/passphrase',
      '/settings/profile',
      '/settings/mastodon/disconnect',
      '/settings/blog/old',
      '/settings/blog/check',
      '/settings/doctor',
      '/setup/blog'
    ]
    for (const path of [...forms, ...settings]) assert.ok(own.posts.includes(path), path)
    for (const path of [
      '/settings',
      '/settings/profile',
      '/settings/access',
      '/settings/blog',
      '/settings/doctor',
      '/setup',
      '/setup/next'
    ])
      assert.ok(own.pages.includes(path), path)
  })

  it('X44 takes nothing without the session, its token and our own origin, and changes no row', async () => {
    const { csrf } = owner
    const { host, url } = node
    const ways: [string, Visitor, Record<string, string>, Record<string, string>][] = [
      ['no session', visitor(node), { csrf }, { origin: url }],
      ['a session that is none', visitor(node, `tidings_session=${'x'.repeat(43)}`), { csrf }, { origin: url }],
      ['a cookie that is none', visitor(node, 'tidings_session=%00'), { csrf }, { origin: url }],
      ['a session that has ended', visitor(node, `tidings_session=${late}`), { csrf }, { origin: url }],
      ['a link instead of a session', visitor(node, `tidings_session=${lateLink}`), { csrf }, { origin: url }],
      ['no token', owner, {}, { origin: url }],
      ['an empty token', owner, { csrf: '' }, { origin: url }],
      ['a wrong token', owner, { csrf: `${csrf}x` }, { origin: url }],
      ['the token of another session', owner, { csrf: other.csrf }, { origin: url }],
      ['a foreign origin', owner, { csrf }, { origin: 'https://evil.example' }],
      ['our host by another scheme', owner, { csrf }, { origin: url.replace('http:', 'https:') }],
      ['our host at another port', owner, { csrf }, { origin: `http://${host.split(':')[0]}:1` }],
      ['an origin that begins like ours', owner, { csrf }, { origin: `${url}.evil.example` }],
      ['no origin at all', owner, { csrf }, { origin: 'null' }],
      ['a foreign site', owner, { csrf }, { 'sec-fetch-site': 'cross-site' }],
      ['a foreign site that tells no origin', owner, { csrf }, { origin: 'null', 'sec-fetch-site': 'cross-site' }],
      ['a sister site', owner, { csrf }, { 'sec-fetch-site': 'same-site' }],
      ['a foreign referer', owner, { csrf }, { referer: 'https://evil.example/' }],
      ['nothing told', owner, { csrf }, {}]
    ]
    const before = await everything()
    for (const path of own.posts) {
      for (const [way, who, more, headers] of ways) {
        const { status } = await who.post(fill(path), { ...form, ...more }, headers)
        assert.ok(REFUSALS.includes(status), `${path}: ${way}: ${status}`)
      }
    }
    assert.deepEqual(await everything(), before)
  })

  it('X44 shows none of the owner’s pages without a session, but the way in', async () => {
    const before = await everything()
    for (const path of own.pages) {
      for (const who of [visitor(node), visitor(node, `tidings_session=${late}`), visitor(node, `tidings_session=${'x'.repeat(43)}`)]) {
        const { headers, status, text } = await who.get(fill(path))
        assert.equal(status, 403, path)
        assert.match(text, /name="passphrase"/, path)
        assert.ok(!/\b(public|max-age)\b/.test(headers.get('cache-control') ?? ''), path)
      }
    }
    assert.deepEqual(await everything(), before)
  })

  it('X44 does nothing by GET', async () => {
    const before = await everything()
    for (const path of own.posts) assert.notEqual((await owner.get(fill(path))).status, 303, path)
    assert.deepEqual(await everything(), before)
  })

  it('X44 takes no link that is too old, was used already, or comes from another site', async () => {
    const link = () => node.tools.sessions.addLink(new Date())
    const [used, fresh] = [await link(), await link()]
    assert.equal((await visitor(node).post('/signin', { token: used })).status, 303)
    const before = await everything()
    for (const token of [lateLink, used, '', 'x'.repeat(43), owner.csrf]) {
      assert.equal((await visitor(node).post('/signin', { token })).status, 403)
      for (const page of ['signin', 'setup']) assert.equal((await visitor(node).get(`/${page}?token=${token}`)).status, 403)
    }
    for (const headers of [{ origin: 'https://evil.example' }, { origin: 'null', 'sec-fetch-site': 'cross-site' }])
      assert.equal((await visitor(node).post('/signin', { token: fresh }, headers)).status, 403)
    assert.deepEqual(await everything(), before)
  })
})
