/** A node as it looks after some weeks: a blog, people of several networks, a conversation, what waits, what went wrong. All of it is made up. */
import { newId } from '../../src/model/ids.ts'
import type { Account, Actor, KeptPost } from '../../src/model/kept.ts'
import { pageKey } from '../../src/protocol/blog-address.ts'
import type { ActorFacts, NewPost } from '../../src/tools.ts'
import { commentPath } from '../../src/web/shown.ts'
import { drawBridge, drawFace } from './drawing.ts'
import { startNode, type TestNode } from './node.ts'
import { accountOf, keepPost } from './residents.ts'
import { importList, keepExamined } from './showcase-owner.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

type PathName = 'post' | 'person' | 'reply' | 'logPost' | 'comment' | 'welcome' | 'imported'
/** `paths`: pages of single things. `cookie`: the owner's session. */
export type Showcase = { node: TestNode; cookie: string; paths: Record<PathName, string>; blog: Account }

const PEOPLE = {
  mira: { host: 'mastodon.example', name: 'Mira Lindqvist', bio: 'Ferries, bread, and the weather.', speaks: true },
  jonas: { host: 'gruene-wiese.example', name: 'Jonas Weber', bio: 'Schreibt über Bahnhöfe und Bäume.', speaks: true },
  amina: { host: 'pixelfed.example', name: 'Amina Okafor', bio: 'Photographs of light.', speaks: true },
  hikari: { host: 'misskey.example', name: '佐藤 光', bio: '海辺の散歩。', speaks: true },
  salma: { host: 'masto.example', name: 'سلمى', bio: 'أكتب عن المدن والبحر.', speaks: true },
  ted: { host: 'social.example', name: 'Ted Larsen', bio: 'On GNU social since it had another name.', speaks: false },
  weekly: { host: 'lighthouse.example', name: 'The Lighthouse Weekly', bio: 'News for keepers.', speaks: false }
} as const
type Name = keyof typeof PEOPLE

/** Starts it. Nothing leaves the node, and nothing is worked. */
export async function startShowcase(): Promise<Showcase> {
  const env = {
    ...{ PUBLIC_URL: 'https://notes.harbour.example', HANDLE_HOST: 'harbour.example', BLOG_URL: 'https://harbour.example/' },
    ...{ HUBS: 'https://hub.example/,https://push.example/', ACCOUNT: 'blog' }
  }
  const node = await startNode({ env, accounts: ['blog'], work: false })
  const blog = await makeBlog(node)
  const people = await makePeople(node, blog)
  const posts = await writePosts(node, blog)
  const { reply } = await talk(node, people, posts)
  await writeTimeline(node, people)
  await tellOf(node, blog, posts)
  await goWrong(node, blog, people)
  await keepExamined(node)
  const session = (await node.tools.sessions.open(await node.tools.sessions.addLink(new Date()), new Date()))!
  const paths = {
    ...{ post: `/users/blog/posts/${posts[0]!.id}`, logPost: `/log/posts/${posts[0]!.id}` },
    ...{ person: `/people/${people.mira.id}`, reply: `/posts/${reply.id}`, comment: commentPath(reply.uri) },
    ...{ welcome: `/setup?token=${await node.tools.sessions.addLink(new Date())}`, imported: await importList(node, blog) }
  }
  return { node, blog, paths, cookie: session.token }
}

async function makeBlog({ database, tools }: TestNode): Promise<Account> {
  const blog = await accountOf(tools, 'blog')
  await database.database
    .knex('actors')
    .where({ id: blog.id })
    .update({
      ...{
        display_name: 'Notes from the harbour',
        bio: 'Bridges, tides, and what they leave behind.',
        homepage: 'https://harbour.example/'
      },
      avatar: JSON.stringify({ url: 'https://harbour.example/me.png', width: 96, height: 96 })
    })
  await tools.blogs.keep(blog.id, 'https://harbour.example/', new Date(Date.now() - 60 * DAY))
  await tools.blogs.change(blog.id, {
    ...{ title: 'Notes from the harbour', feedUrl: 'https://harbour.example/feed.xml', sitemapUrl: 'https://harbour.example/sitemap.xml' },
    ...{ foundAt: new Date(Date.now() - HOUR), findAt: new Date(Date.now() + DAY), language: 'en' }
  })
  await tools.connections.keep({
    ...{
      accountId: blog.id,
      host: 'https://mastodon.example',
      token: 'made-up',
      username: 'harbour',
      url: 'https://mastodon.example/@harbour'
    },
    ...{ scope: 'profile write:statuses read:statuses', state: 'ok', connectedAt: new Date(Date.now() - 40 * DAY) }
  })
  await drawn(tools, 'https://harbour.example/me.png', drawFace(200))
  await tools.changes.tell('accounts')
  return blog
}

/** A picture that was fetched already. */
async function drawn({ pictures }: TestNode['tools'], url: string, body: Buffer): Promise<void> {
  const id = (await pictures.idsOf([url], new Date())).get(url)!
  await pictures.change(id, { body, type: 'image/png', etag: id, fetchedAt: new Date(), usedAt: new Date() })
}

async function makePeople({ tools }: TestNode, blog: Account): Promise<Record<Name, Actor>> {
  const { actors, follows, transaction, verdicts } = tools
  const people: [string, Actor][] = []
  for (const [index, [name, { bio, host, name: displayName, speaks }]] of Object.entries(PEOPLE).entries()) {
    const uri = `https://${host}/users/${name}`
    const avatar = { url: `https://${host}/${name}.png`, width: 96, height: 96 }
    const facts: ActorFacts = {
      ...{ uri, acct: `${name}@${host}`, feedUrl: `${uri}.atom`, trusted: true },
      profile: { ids: [uri], kind: 'person', username: name, displayName, bio, url: `https://${host}/@${name}`, avatar },
      ...(speaks
        ? { activityPub: { inboxUrl: `${uri}/inbox`, sharedInboxUrl: `https://${host}/inbox`, signingKeys: [], alsoKnownAs: [] } }
        : { salmonUrl: `${uri}/salmon` })
    }
    const actor = await transaction(stores => stores.actors.keep(facts, new Date()))
    await drawn(tools, avatar.url, drawFace(index * 51))
    const at = new Date(Date.now() - (20 - index) * DAY)
    const via = speaks ? 'inbox' : 'feed'
    if (name !== 'salma') await follows.add({ followerId: blog.id, followedId: actor.id, via }, at)
    if (name !== 'weekly')
      await follows.add({ followerId: actor.id, followedId: blog.id, via: speaks ? 'inbox' : 'salmon', uri: `${uri}/follows/1` }, at)
    people.push([name, await (async () => (await actors.find(actor.id))!)()])
  }
  await verdicts.keep('https://masto.example/users/salma', 'approved', new Date())
  return Object.fromEntries(people) as Record<Name, Actor>
}

const OWN = [
  {
    slug: 'why-old-bridges-stand',
    title: 'Why old bridges stand',
    tags: ['bridges', 'stone'],
    html: '<p>An arch does one thing well: it turns weight into a push, and hands the push on. Nobody holds it together. It holds because every stone would like to fall, and none can go first.</p><p>I walked over the harbour’s oldest this morning. Four hundred years of carts, and the only repair is a <em>lamp</em>.</p>'
  },
  {
    slug: 'the-ferry-at-six',
    title: 'The ferry at six',
    tags: ['ferries'],
    html: '<p>It leaves when the kiosk has sold the last roll. That is not in the timetable, and everybody knows it.</p>'
  },
  {
    slug: 'a-map-of-the-tides',
    title: 'A map of the tides',
    tags: ['tides', 'maps'],
    html: '<p>I drew the water line at every low tide of a month. The drawing looks like a fingerprint.</p><pre><code>06:12  0.4 m\n12:31  3.1 m\n18:44  0.6 m</code></pre>'
  }
]

/** The newest first. */
async function writePosts({ database, tools }: TestNode, blog: Account): Promise<KeptPost[]> {
  const posts: KeptPost[] = []
  for (const [index, { html, slug, tags, title }] of OWN.entries()) {
    const publishedAt = new Date(Date.now() - (index * 3 * DAY + 5 * HOUR))
    const url = `https://harbour.example/${slug}/`
    const picture = { url: `https://harbour.example/${slug}.png`, type: 'image/png', title: 'A bridge of four arches in the evening' }
    if (index === 0) await drawn(tools, picture.url, drawBridge(200))
    const post = await keepPost(tools, blog, {
      url,
      html,
      title,
      tags,
      kind: 'article',
      publishedAt,
      ...(index === 0 ? { enclosures: [picture] } : {})
    })
    const key = pageKey(url)
    await tools.blogs.addEntry({ key, accountId: blog.id, url, postId: post.id, source: 'feed', news: true, seenAt: publishedAt })
    await database.database.knex('toots').insert({
      ...{ key, account_id: blog.id, url, created_at: publishedAt, host: 'https://mastodon.example', username: 'harbour' },
      ...(index === 1
        ? { state: 'wanted', due_at: new Date(Date.now() + HOUR), status: 503, error: 'mastodon.example answered 503.' }
        : { state: 'posted', toot_id: `11${index}`, toot_url: `https://mastodon.example/@harbour/11${index}`, tooted_at: publishedAt })
    })
    posts.push(post)
  }
  return posts
}

/** A conversation under the newest post; one of those in it waits for the owner. */
async function talk({ tools }: TestNode, people: Record<Name, Actor>, [post]: KeptPost[]): Promise<{ reply: KeptPost }> {
  const say = (name: Name, html: string, parent: KeptPost, minutes: number, more: Partial<NewPost> = {}) => {
    const at = new Date(Date.now() - 4 * HOUR + minutes * 60_000)
    const id = newId(at.getTime())
    const uri = `https://${PEOPLE[name].host}/users/${name}/statuses/${id}`
    const answers = { inReplyTo: parent.uri, inReplyToUrl: parent.url ?? parent.uri, parentId: parent.id }
    return keepPost(tools, people[name], { id, uri, url: uri, html, publishedAt: at, sortedAt: at, ...answers, ...more })
  }
  const reply = await say(
    'mira',
    '<p>The lamp was my grandmother’s idea. She was tired of people falling over the only repair.</p>',
    post!,
    12
  )
  await say('jonas', '<p>Unsere hat zwei Lampen und steht trotzdem. Ein Rätsel.</p>', reply, 31, { language: 'de' })
  await say('hikari', '<p>石の橋は、渡る人の数だけ強くなると祖父が言っていました。</p>', post!, 45, { language: 'ja' })
  await say('salma', '<p>في مدينتنا جسر أقدم من المدينة نفسها.</p>', post!, 58, { language: 'ar' })
  await say('ted', '<p>Arches: the original peer-to-peer protocol.</p>', reply, 80)
  const stranger = await tools.transaction(stores =>
    stores.actors.keep(
      {
        ...{ uri: 'https://elsewhere.example/users/visitor', acct: 'visitor@elsewhere.example', trusted: true },
        profile: { ids: ['https://elsewhere.example/users/visitor'], kind: 'person', username: 'visitor', displayName: 'A first visitor' }
      },
      new Date()
    )
  )
  const at = new Date(Date.now() - HOUR)
  const uri = 'https://elsewhere.example/users/visitor/statuses/1'
  await keepPost(tools, stranger, {
    uri,
    url: uri,
    html: '<p>Is the lamp still there? I would come and see it.</p>',
    publishedAt: at,
    sortedAt: at,
    inReplyTo: post!.uri,
    parentId: post!.id
  })
  return { reply }
}

const TIMELINE: { name: Name; html: string; hours: number; title?: string; picture?: true; language?: string }[] = [
  { name: 'amina', html: '<p>Low sun, four arches, no people. I waited an hour for the last part.</p>', hours: 2, picture: true },
  {
    name: 'weekly',
    title: 'Lamps, and who pays for them',
    html: '<p>The council has voted. The <a href="https://lighthouse.example/lamps">minutes</a> are long, the result is short: the keepers do.</p>',
    hours: 7
  },
  {
    name: 'jonas',
    html: '<p>Am Bahnhof haben sie die Uhr repariert. Jetzt kommen die Züge zu spät, vorher wusste es niemand.</p>',
    hours: 9,
    language: 'de'
  },
  { name: 'salma', html: '<p>البحر هادئ هذا الصباح، والسفن تنتظر الضباب.</p>', hours: 11, language: 'ar' },
  { name: 'hikari', html: '<p>朝の港。猫が三匹、漁師が一人。</p>', hours: 14, language: 'ja' },
  { name: 'ted', html: '<p>Remember: <code>acct:ted@social.example</code> still works. It always has.</p>', hours: 20 },
  {
    name: 'mira',
    html: '<p>Bread day. The recipe is <a href="https://mastodon.example/tags/bread">older than this server</a>.</p>',
    hours: 26
  }
]

async function writeTimeline({ tools }: TestNode, people: Record<Name, Actor>): Promise<void> {
  for (const { hours, html, language, name, picture, title } of TIMELINE) {
    const at = new Date(Date.now() - hours * HOUR)
    const { host } = PEOPLE[name]
    const uri = `https://${host}/users/${name}/statuses/${newId(at.getTime())}`
    const image = { url: `https://${host}/arches.png`, type: 'image/png', title: 'Four arches of a bridge against a low sun' }
    if (picture) await drawn(tools, image.url, drawBridge(20))
    const more = { ...(title ? { title } : {}), ...(language ? { language } : {}), ...(picture ? { enclosures: [image] } : {}) }
    await keepPost(tools, people[name], { uri, url: uri, html, publishedAt: at, sortedAt: at, ...more })
  }
}

/** Who was told of the posts, and what came back. */
async function tellOf({ database, tools }: TestNode, blog: Account, posts: KeptPost[]): Promise<void> {
  const { knex } = database.database
  const asked = {
    mode: 'subscribe' as const,
    method: 'sha256' as const,
    leaseSeconds: 20 * 86_400,
    topic: blog.feedUrl!,
    topicAsked: blog.feedUrl!
  }
  const readers = ['reader.example', 'freshrss.example', 'social.example'].map(host => ({
    ...asked,
    callback: `https://${host}/push/secret`
  }))
  await tools.subscribers.enter(readers, new Date(Date.now() - 10 * DAY))
  for (const post of [...posts].reverse()) {
    const at = post.publishedAt
    const add = (key: string, topic: string) =>
      tools.deliveries.addDocument(
        { key: `${key} ${post.uri}`, topic, contentType: 'text/plain', body: Buffer.from('made up'), postId: post.id },
        at
      )
    await tools.deliveries.addForInboxes((await add('inbox', blog.uri))!, blog.id, [], at)
    await tools.deliveries.addForTopic((await add('hub', blog.feedUrl!))!, blog.feedUrl!, at)
    await tools.deliveries.addForRecipient((await add('salmon', post.uri))!, 'salmon', 'https://social.example/users/ted/salmon', at)
    await knex('deliveries').where({ state: 'waiting' }).update({ state: 'done', attempts: 1, done_at: at, status: 202 })
  }
  await fail(knex, posts[0]!)
  await tools.pings.keep({ hub: 'https://hub.example/', topic: blog.feedUrl!, status: 204 }, new Date())
  await tools.pings.keep(
    { hub: 'https://push.example/', topic: blog.feedUrl!, status: 500, error: 'push.example did not answer in time.' },
    new Date()
  )
}

/** One server is down, one refused, one reader is slow. */
async function fail(knex: TestNode['database']['database']['knex'], { id }: KeptPost): Promise<void> {
  const later = new Date(Date.now() + 6 * HOUR)
  const health = { failures: 6, failing_since: new Date(Date.now() - 5 * HOUR), retry_at: later }
  const of = (host: string) =>
    knex('deliveries')
      .whereIn('recipient_id', knex('recipients').select('id').where({ host }))
      .whereIn('document_id', knex('documents').select('id').where({ post_id: id }))
  await knex('recipients').update({ succeeded_at: new Date(Date.now() - 5 * HOUR) })
  await knex('recipients')
    .where({ host: 'masto.example' })
    .update({ ...health, status: 502, error: 'answered 502' })
  await knex('recipients')
    .where({ host: 'reader.example' })
    .update({ ...health, failures: 2, error: 'reader.example did not answer in time.' })
  const waits = { state: 'waiting', done_at: null }
  await of('masto.example').update({ ...waits, attempts: 6, status: 502, error: 'answered 502' })
  await of('reader.example').update({ ...waits, attempts: 2, status: null, error: 'reader.example did not answer in time.' })
  const refused = { state: 'failed', attempts: 1, status: 403, error: 'answered 403' }
  await of('gruene-wiese.example').update(refused)
}

/** Feeds that are read, one of them in trouble; and what was refused. */
async function goWrong({ tools }: TestNode, blog: Account, people: Record<Name, Actor>): Promise<void> {
  const now = Date.now()
  const ago = (hours: number) => new Date(now - hours * HOUR)
  const { refusals, subscriptions } = tools
  const weekly = await subscriptions.add(
    { url: 'https://lighthouse.example/feed.xml', topic: 'https://lighthouse.example/feed.xml', actorId: people.weekly.id },
    ago(400)
  )
  await subscriptions.change(weekly.id, {
    ...{
      format: 'rss',
      hubs: ['https://hub.example/'],
      hub: 'https://hub.example/',
      state: 'active',
      verifiedAt: ago(30),
      expiresAt: ago(-200)
    },
    ...{ pushedAt: ago(7), newsAt: ago(7), polledAt: ago(3), pollAt: ago(-20), status: 200 }
  })
  const ted = await subscriptions.add({ url: people.ted.feedUrl!, topic: people.ted.feedUrl!, actorId: people.ted.id }, ago(300))
  await subscriptions.change(ted.id, {
    ...{
      format: 'atom',
      hubs: ['https://social.example/hub'],
      hub: 'https://social.example/hub',
      state: 'denied',
      askAt: ago(-12),
      pollFailures: 3
    },
    ...{ newsAt: ago(20), polledAt: ago(2), pollAt: ago(-1), status: 502, error: `${people.ted.feedUrl} answered 502.` }
  })
  const refuse = (who: string, host: string, code: string, status: number, sentence: string) =>
    refusals.add({ way: 'inbox', who, host, path: `/users/${blog.localName}/inbox`, code, status, sentence }, ago(1))
  await refuse(people.mira.uri, 'mastodon.example', 'signature', 401, 'The signature is not the actor’s.')
  await refuse('https://spam.example/users/buy', 'spam.example', 'refused', 403, 'The object cannot be its actor’s.')
}
