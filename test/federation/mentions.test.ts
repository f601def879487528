import assert from 'node:assert/strict'
import { edit, publish } from '../../src/federation/publish.ts'
import { hrefs } from '../support/atom.ts'
import { linksOf } from '../support/discovery.ts'
import { type Neighbour, startWriter, type Writer } from '../support/writer.ts'

const LINK =
  '<span class="h-card"><a class="u-url mention" href="https://bob.example/bob" rel="nofollow noopener noreferrer">@bob</a></span>'

describe('mentions', () => {
  let writer: Writer
  let bob: Neighbour
  beforeEach(async () => {
    writer = await startWriter()
    bob = await writer.neighbour('bob')
  })
  afterEach(() => writer?.close())

  const write = (text: string) => publish(writer.tools, writer.ann, { text })

  /** carl at carl.example, whom nobody here knows yet: webfinger, then a feed that names him. */
  function appear(name: string, host = `${name}.example`): () => number {
    const uri = `https://${host}/user/7`
    const links = linksOf(name, host)
    const webfinger = writer.hub.subscriber(`https://${host}/.well-known/webfinger`, {
      onGet: ({ query }) => ({
        headers: { 'content-type': 'application/jrd+json' },
        body: JSON.stringify({ subject: query.get('resource'), aliases: [uri], links })
      })
    })
    const feed =
      `<feed xmlns="http://www.w3.org/2005/Atom"><id>f</id><title>t</title><author><name>${name}</name><uri>${uri}</uri></author>` +
      `<link rel="salmon" href="https://${host}/${name}/salmon"/></feed>`
    writer.hub.subscriber(`https://${host}/${name}.atom`, {
      onGet: () => ({ headers: { 'content-type': 'application/atom+xml' }, body: feed })
    })
    return () => webfinger.asked.length
  }

  it('F10 link the profile in the form that peers know, and mention the user URI', async () => {
    const post = await write('Hi @Bob@BOB.example, hi @bob@bob.example.')
    assert.equal(post.html, `<p>Hi ${LINK.replace('@bob<', '@Bob<')}, hi ${LINK}.</p>`)
    assert.deepEqual(post.mentions, [bob.actor.uri])
    await writer.work()
    assert.deepEqual(hrefs(bob.slaps()[0]!.entry, 'mentioned'), [bob.actor.uri, 'http://activityschema.org/collection/public'])
    assert.deepEqual(hrefs(bob.slaps()[0]!.entry, 'ostatus:attention'), [bob.actor.uri])
  })

  it('F10 find those who are not known yet, once, and tell them', async () => {
    const asked = appear('carl')
    const endpoint = writer.hub.subscriber('https://carl.example/carl/salmon')
    for (const text of ['@carl@carl.example hello', 'again @carl@carl.example']) {
      const post = await write(text)
      assert.deepEqual(post.mentions, ['https://carl.example/user/7'])
    }
    await writer.work()
    assert.deepEqual([asked(), endpoint.got.length], [1, 2])
    assert.equal((await writer.tools.timelines.all({ limit: 10 })).length, 2, 'his posts are not read: nobody follows him')
  })

  const plain = [
    'to bob@bob.example by mail',
    'mailto:a@bob@bob.example',
    'https://else.example/@bob@bob.example and https://else.example/?q=@bob@bob.example',
    '@nobody@nowhere.example',
    '@bob and @ bob@bob.example',
    '@bob@',
    '@bob@bad_host!',
    `@${'x'.repeat(300)}@bob.example`
  ]
  for (const text of plain) {
    it(`F10 are not seen in: ${text.slice(0, 60)}`, async () => {
      const post = await write(text)
      assert.deepEqual(post.mentions, [])
      assert.ok(!post.html.includes('mention'))
    })
  }

  it('F10 stay as they are in code and in links', async () => {
    const html = '<p><code>@bob@bob.example</code> <a href="https://x.example/">@bob@bob.example</a></p>'
    const post = await publish(writer.tools, writer.ann, { html })
    assert.deepEqual(post.mentions, [])
  })

  it('F10 are ten at most, whatever a text asks for', async () => {
    const counts = Array.from({ length: 14 }, (_, n) => appear(`p${n}`))
    const post = await write(counts.map((_, n) => `@p${n}@p${n}.example`).join(' '))
    assert.equal(post.mentions.length, 10)
    assert.equal(
      counts.reduce((sum, asked) => sum + asked(), 0),
      10
    )
  })

  it('F10 of an edit are those of the new text, also when it comes back as the HTML of the old one', async () => {
    const dora = await writer.neighbour('dora')
    const post = await write('@bob@bob.example and @dora@dora.example')
    const kept = await edit(writer.tools, writer.ann, post, { html: `${post.html}<p>more</p>` })
    assert.deepEqual(kept.mentions, [bob.actor.uri, dora.actor.uri])
    const fewer = await edit(writer.tools, writer.ann, post, { text: 'only @dora@dora.example' })
    assert.deepEqual(fewer.mentions, [dora.actor.uri])
    const titled = await edit(writer.tools, writer.ann, post, { title: 'A title' })
    assert.deepEqual([titled.mentions, titled.html], [[dora.actor.uri], fewer.html])
  })

  it('X41 put nothing into our pages that a profile address may hold', async () => {
    const url = 'https://evil.example/"><script>alert(1)</script>'
    await writer.neighbour('evil', 'evil.example', {
      profile: { ids: ['https://evil.example/user/1'], kind: 'person', username: 'evil', url }
    })
    const post = await write('@evil@evil.example')
    assert.ok(!post.html.includes('<script'))
  })
})
