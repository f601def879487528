/** X41, X42: what strangers call themselves and say, on every page that shows it. In a browser: test/outside/reading.outside.ts. */
import assert from 'node:assert/strict'
import { Parser } from 'htmlparser2'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { HOSTILE, settleHostile } from '../support/hostile.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf } from '../support/residents.ts'

const ELEMENTS = new Set(
  (
    'html head meta title link script body a header nav form input label select option button main article section p span bdi time h1 h2 ' +
    'div details summary ul ol li dl dt dd code pre kbd strong em blockquote img textarea dialog footer br'
  ).split(' ')
)
const ATTRIBUTES = new Set(
  (
    'lang charset name content rel type title href src id class action method for value maxlength required autocapitalize spellcheck dir ' +
    'placeholder hidden tabindex datetime width height alt loading decoding rows selected open checked property'
  ).split(' ')
)

/** What stands in a page that no template of ours wrote, or that leads where nobody should be led. */
function findStrange(html: string): string[] {
  const strange: string[] = []
  const parser = new Parser({
    onopentag(name, attributes) {
      if (!ELEMENTS.has(name)) strange.push(`<${name}>`)
      if (name === 'script' && !/^\/page\.js\?v=[\w-]+$/.test(attributes.src ?? '')) strange.push(`<script src=${attributes.src}>`)
      if (name === 'img' && !/^\/media\/\w{17}$/.test(attributes.src ?? '')) strange.push(`<img src=${attributes.src}>`)
      if (name === 'form' && !/^(\/(?!\/)|$)/.test(attributes.action ?? '')) strange.push(`<form action=${attributes.action}>`)
      if (name === 'a' && !/^([/?#](?!\/)|https?:|mailto:)/.test(attributes.href ?? '/')) strange.push(`<a href=${attributes.href}>`)
      for (const attribute of Object.keys(attributes))
        if (!ATTRIBUTES.has(attribute) && !/^(aria|data)-\w+$|^role$/.test(attribute)) strange.push(`${name} ${attribute}`)
    }
  })
  parser.end(html)
  return strange
}

describe('what strangers call themselves and say', function () {
  this.timeout(60_000)
  for (const [env, who] of [
    [{}, 'the owner'],
    [{ OPEN_SEARCH: 'on', MODERATION: 'all' }, 'everybody']
  ] as const) {
    it(`X41 X42 is nothing but text on the pages that ${who} sees`, async () => {
      const node: TestNode = await startNode({ env, accounts: ['alice'], work: false })
      try {
        const alice = await accountOf(node.tools, 'alice')
        const someone: Visitor = who === 'the owner' ? await signIn(node) : visitor(node)
        for (const name of Object.keys(HOSTILE)) {
          const { pages } = await settleHostile(node.tools, alice, name)
          for (const path of pages.filter(path => who === 'the owner' || !/\/(edit|delete)$/.test(path))) {
            const { headers, status, text } = await someone.get(path)
            assert.equal(status, 200, `${name} ${path}`)
            assert.deepEqual(findStrange(text), [], `${name} ${path}`)
            assert.match(headers.get('content-security-policy') ?? '', /^default-src 'none'; script-src 'self';/)
          }
        }
        const profile = { ids: [], kind: 'person' as const, displayName: HOSTILE.script!, bio: HOSTILE.frame!, homepage: 'javascript:1' }
        await node.tools.actors.keep({ uri: alice.uri, profile }, new Date())
        for (const path of ['/', '/users/alice', '/users/alice/followers', '/users/alice/following'])
          assert.deepEqual(findStrange((await someone.get(path)).text), [], path)
        const feed = await someone.get('/users/alice.atom', { 'sec-fetch-dest': 'document' })
        assert.deepEqual(findStrange(feed.text), [])
      } finally {
        await node.close()
      }
    })
  }

  it('X41 would be found by this test', () => {
    for (const html of [
      '<iframe>',
      '<p onclick=1>',
      '<p style=x>',
      '<img src=//x>',
      '<a href=javascript:1>',
      '<form action=//x>',
      '<script>'
    ])
      assert.notDeepEqual(findStrange(html), [], html)
  })

  it('X41 is text too where it comes back to the owner in a form or a failure', async () => {
    const node = await startNode({ accounts: ['alice'], work: false })
    try {
      const owner = await signIn(node)
      for (const text of Object.values(HOSTILE)) {
        const written = await owner.post('/notes', {
          csrf: owner.csrf,
          text,
          title: text.slice(0, 500),
          language: 'no such language',
          as: text
        })
        assert.equal(written.status >= 400, true)
        assert.deepEqual(findStrange(written.text), [])
        for (const answer of [
          await owner.post('/search', { csrf: owner.csrf, q: `${text.slice(0, 1000)}@x` }),
          await owner.get(`/people/${encodeURIComponent(text.slice(0, 300))}`),
          await owner.post('/remote', { url: text, account: text.slice(0, 300) })
        ])
          assert.deepEqual(findStrange(answer.text), [])
      }
    } finally {
      await node.close()
    }
  })

  it('X41 turns no title around', async () => {
    const node = await startNode({ accounts: ['alice'], work: false })
    try {
      const owner = await signIn(node)
      const { pages } = await settleHostile(node.tools, await accountOf(node.tools, 'alice'), 'turned')
      for (const path of pages)
        assert.doesNotMatch(/<title>[^<]*/.exec((await owner.get(path)).text)![0], /[\u202a-\u202e\u2066-\u2069]/, path)
    } finally {
      await node.close()
    }
  })
})
