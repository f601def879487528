/** The blog's own domain only forwards `.well-known`; the node lives elsewhere (W8, W9, D8). */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { follow } from '../../src/federation/follow.ts'
import { publish } from '../../src/federation/publish.ts'
import { type Loopback, serve } from '../support/loopback.ts'
import { startNode, type TestNode, until } from '../support/node.ts'

describe('a handle on another domain', () => {
  let blog: Loopback
  let writer: TestNode
  let reader: TestNode
  const asked: string[] = []

  before(async () => {
    blog = await serve((request, response) => {
      asked.push(request.url ?? '')
      const forwards = /^\/\.well-known\/(host-meta|webfinger)/.test(request.url ?? '')
      response.writeHead(forwards ? 302 : 404, forwards ? { location: writer.url + request.url } : {}).end()
    })
    writer = await startNode({ env: { HANDLE_HOST: `localhost:${blog.port}` }, accounts: ['ann'] })
    reader = await startNode({ accounts: ['bob'], onlyOStatus: true })
  })
  after(async () => {
    await reader?.close()
    await writer?.close()
    await blog?.close()
  })

  it('W8 is found by its name, subject and links as they should be, and followed', async () => {
    const handle = `ann@localhost:${blog.port}`
    const { actor, subscription } = await follow(reader.tools, `acct:${handle}`, { as: await findAccount(reader.tools, 'bob') })
    assert.deepEqual([actor.acct, actor.uri, actor.feedUrl], [handle, `${writer.url}/users/ann`, `${writer.url}/users/ann.atom`])
    assert.ok(asked.some(path => path.startsWith('/.well-known/webfinger?resource=acct%3Aann%40localhost')))
    await until('the verification', async () => (await reader.tools.subscriptions.find(subscription!.id))?.state === 'active')
    const post = await publish(writer.tools, await findAccount(writer.tools, 'ann'), { text: 'from afar' })
    await until('the post', () => reader.tools.history.findByUri(post.uri))
  })

  it('W9 is found from the page of the account, by its first feed, whose author is that page', async () => {
    const page = `${writer.url}/users/ann`
    const answer = await fetch(page, { headers: { accept: 'text/html' } })
    const text = await answer.text()
    assert.match(answer.headers.get('vary') ?? '', /accept/i)
    const [feed] = [...text.matchAll(/<link rel="alternate"[^>]*href="([^"]+)"/g)].map(([, href]) => href)
    assert.equal(feed, `${page}.atom`)
    assert.match(await (await fetch(feed!)).text(), new RegExp(`<author>.*<uri>${page}</uri>`, 's'))
    const rels = (answer.headers.get('link') ?? '').split(/, (?=<)/).map(link => /rel="?([^";]+)/.exec(link)?.[1])
    assert.ok(rels.includes('lrdd') && rels.includes('salmon') && !rels.includes('hub') && !rels.includes('self'))
    const resource = /<link rel="lrdd"[^>]*type="application\/jrd\+json"[^>]*href="([^"]+)"/.exec(text)?.[1]
    const descriptor = (await (await fetch(resource!.replaceAll('&amp;', '&'))).json()) as { subject: string }
    assert.equal(descriptor.subject, `acct:ann@localhost:${blog.port}`)
  })
})
