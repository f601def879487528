import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import {
  readAccount,
  readApp,
  readContext,
  readError,
  readJson,
  readLimit,
  readPeople,
  readStatus,
  readStatuses,
  readToken
} from '../../src/protocol/mastodon.ts'

const host = 'https://mastodon.example'

/** The fields that docs.joinmastodon.org/entities/Account and /Status name, as far as anybody reads them. */
const account = {
  id: '23634',
  username: 'noiob',
  acct: 'noiob@Awoo.Example',
  display_name: 'shark fan :shark:',
  url: 'https://awoo.example/@noiob',
  uri: 'https://awoo.example/users/noiob',
  avatar: 'https://files.example/original/a.gif',
  avatar_static: 'https://files.example/static/a.png',
  emojis: [{ shortcode: 'shark', url: 'https://files.example/shark.png' }]
}
const person = {
  handle: 'noiob@awoo.example',
  name: 'shark fan :shark:',
  uri: 'https://awoo.example/users/noiob',
  url: 'https://awoo.example/@noiob',
  avatar: 'https://files.example/static/a.png'
}
const status = {
  id: '103270115826048975',
  created_at: '2019-12-08T03:48:33.901Z',
  edited_at: null,
  in_reply_to_id: null,
  spoiler_text: '',
  visibility: 'public',
  language: 'en',
  uri: 'https://mastodon.example/users/Gargron/statuses/103270115826048975',
  url: 'https://mastodon.example/@Gargron/103270115826048975',
  replies_count: 5,
  reblogs_count: 6,
  favourites_count: 11,
  content:
    '<p>Title</p><p><a href="https://blog.example/2026/a?b=1&amp;c=2" rel="nofollow" target="_blank"><span class="invisible">https://</span><span class="ellipsis">blog.example/2026/a</span><span class="invisible">?b=1&amp;c=2</span></a></p>',
  reblog: null,
  application: { name: 'tidings', website: null },
  account: { ...account, acct: 'Gargron', url: 'https://mastodon.example/@Gargron', uri: undefined },
  media_attachments: [],
  card: null
}
const answer = (more: object) => ({ ...status, account, content: '<p>Hi</p>', application: undefined, ...more })

/** Everything that an instance might send instead. */
const odd = fc.oneof(
  fc.jsonValue(),
  fc.record(
    Object.fromEntries(
      [...Object.keys(status), ...Object.keys(account)].map(name => [name, fc.oneof(fc.jsonValue(), fc.webUrl(), fc.constant(account))])
    ),
    { requiredKeys: [] }
  )
)
const fails = (read: () => unknown) => assert.throws(read, BadMessage)

describe('answers of a Mastodon server', () => {
  it('S1-70 are a status, whose id is text and whose address is whole although its link is shortened', () => {
    const { html, ...read } = readStatus(status, host)
    assert.deepEqual(read, {
      id: '103270115826048975',
      uri: status.uri,
      url: status.url,
      text: 'Title\n\nhttps://blog.example/2026/a?b=1&c=2',
      whole: 'Title\n\nhttps://blog.example/2026/a?b=1&c=2',
      links: ['https://blog.example/2026/a?b=1&c=2'],
      createdAt: new Date('2019-12-08T03:48:33.901Z'),
      visibility: 'public',
      person: {
        ...person,
        handle: 'gargron@mastodon.example',
        uri: 'https://mastodon.example/@Gargron',
        url: 'https://mastodon.example/@Gargron'
      },
      replies: 5,
      favourites: 11,
      shares: 6,
      language: 'en',
      application: 'tidings'
    })
    assert.match(html, /^<p>Title<\/p><p><a href="https:\/\/blog\.example\/2026\/a\?b=1&amp;c=2" rel="nofollow noopener noreferrer">/)
  })

  it('S1-70 may number small ids, but a number that has lost digits is refused', () => {
    assert.equal(readStatus({ ...status, id: 42, in_reply_to_id: 41 }, host).id, '42')
    assert.equal(readStatus({ ...status, id: 42, in_reply_to_id: 41 }, host).parentId, '41')
    assert.equal(readStatus({ ...status, id: '9zUKDhFIkBmDPkJfBQ' }, host).id, '9zUKDhFIkBmDPkJfBQ')
    for (const id of [Number('103270115826048975'), 1.5, Number.NaN, '', '-1', '../1', '1 2', 'x'.repeat(65), null, {}])
      fails(() => readStatus({ ...status, id }, host))
  })

  it('T3 find addresses that the server made no link of', () => {
    const content = '<p>Title<br>http://127.0.0.1:8001/a?b=1&amp;c</p>'
    const card = { url: 'https://blog.example/card' }
    assert.deepEqual(readStatus({ ...status, content, card }, host).links, ['http://127.0.0.1:8001/a?b=1&c', 'https://blog.example/card'])
  })

  for (const name of ['id', 'uri', 'created_at', 'account'])
    it(`S1-69 are no status without ${name}`, () =>
      fails(() => readStatus({ ...status, [name]: undefined, ...(name === 'uri' && { url: null }) }, host)))

  it('S1-69 may lack what can be lacked', () => {
    const { id, uri, created_at } = status
    const read = readStatus({ id, uri, created_at, account: { acct: 'joe', url: 'https://mastodon.example/@joe' } }, host)
    assert.deepEqual([read.url, read.html, read.visibility, read.replies], [uri, '', 'direct', 0])
    assert.deepEqual(read.person, {
      handle: 'joe@mastodon.example',
      name: 'joe',
      uri: 'https://mastodon.example/@joe',
      url: 'https://mastodon.example/@joe'
    })
  })

  it('S1-85 are a thread: answers in order, of every visibility, with edits, and without what is no status', () => {
    const json = {
      ancestors: [answer({ id: '1' })],
      descendants: [
        answer({ id: '2', in_reply_to_id: '1', edited_at: '2019-12-09T00:00:00.000Z' }),
        answer({ id: '3', visibility: 'private', language: null }),
        answer({ id: '4', visibility: 'circle' }),
        answer({ id: '5', reblog: status }),
        answer({ id: '6', account: null }),
        null
      ]
    }
    const [first, ...rest] = readContext(json, host)
    assert.deepEqual(first, {
      id: '2',
      uri: status.uri,
      url: status.url,
      parentId: '1',
      person,
      html: '<p>Hi</p>',
      language: 'en',
      published: new Date(status.created_at),
      updated: new Date('2019-12-09'),
      visibility: 'public'
    })
    assert.deepEqual(
      rest.map(({ id, visibility }) => [id, visibility]),
      [
        ['3', 'private'],
        ['4', 'direct']
      ]
    )
    for (const json of [null, [], {}, { descendants: {} }, 'x']) fails(() => readContext(json, host))
  })

  it('X42 X41 are clean: HTML sanitised, names as text, pictures and pages by http(s) alone', () => {
    const read = readStatus(
      answer({
        content: '<p onclick="x">a<script>alert(1)</script><a href="javascript:alert(1)">b</a> :shark:</p><img src=x onerror=alert(1)>',
        account: {
          ...account,
          display_name: '<img src=x onerror=alert(1)>\0',
          avatar: 'javascript:alert(1)',
          avatar_static: 'data:image/png,x'
        }
      }),
      host
    )
    assert.equal(read.html, '<p>a<a>b</a> :shark:</p>')
    assert.equal(read.person.name, '<img src=x onerror=alert(1)>')
    assert.equal(read.person.avatar, undefined)
    fails(() => readStatus(answer({ uri: 'javascript:alert(1)', url: 'javascript:alert(1)' }), host))
    fails(() => readAccount({ ...account, uri: 'javascript:alert(1)', url: 'javascript:alert(1)' }, host))
    assert.equal(readStatus(answer({ url: 'javascript:alert(1)' }), host).url, status.uri)
  })

  it('S1-85 keep the warning before an answer, and pictures as links', () => {
    const media_attachments = [
      { type: 'image', url: 'https://files.example/a.png?a=1&b=2', description: 'A "house"' },
      { type: 'image', url: 'javascript:alert(1)' }
    ]
    assert.equal(
      readStatus(answer({ spoiler_text: 'Food <b>', content: '', media_attachments }), host).html,
      '<p>Food &lt;b&gt;</p><p><a href="https://files.example/a.png?a=1&amp;b=2" rel="nofollow noopener noreferrer">A "house"</a></p>'
    )
  })

  it('T3 are recent statuses, without what was only shared', () =>
    assert.deepEqual(
      readStatuses([status, { ...status, id: '2', reblog: status }, 'x', { ...status, id: '3' }], host).map(read => read.id),
      [status.id, '3']
    ))

  it('S1-85 S1-86 are people, each once, those of the server with its host', () => {
    const people = readPeople(
      [account, account, { ...account, acct: 'joe' }, {}, { ...account, acct: 'a@b@c' }, 7],
      'mastodon.example:4000'
    )
    assert.deepEqual(people[0], person)
    assert.deepEqual(
      people.map(({ handle }) => handle),
      ['noiob@awoo.example', 'joe@mastodon.example:4000']
    )
    fails(() => readPeople({}, host))
  })

  it('S1-31 are the account that a token belongs to', () => {
    assert.deepEqual(readAccount({ ...account, acct: 'noiob', source: {} }, host), {
      ...person,
      handle: 'noiob@mastodon.example',
      id: '23634',
      username: 'noiob'
    })
    for (const json of [null, {}, { ...account, id: undefined }, { ...account, acct: '', username: '' }])
      fails(() => readAccount(json, host))
  })

  it('S1-25 S1-30 are an application and a token, of characters that may stand in a header', () => {
    assert.deepEqual(readApp({ id: '1', client_id: 'TWhM-tNSunc', client_secret: 'ZEaFUF', vapid_key: 'x' }), {
      clientId: 'TWhM-tNSunc',
      clientSecret: 'ZEaFUF'
    })
    assert.deepEqual(readToken({ access_token: 'ZA-Yj3', token_type: 'Bearer', scope: 'read write:statuses', created_at: 1573979017 }), {
      token: 'ZA-Yj3',
      scope: 'read write:statuses'
    })
    assert.deepEqual(readToken({ access_token: 'ZA-Yj3' }), { token: 'ZA-Yj3', scope: '' })
    for (const json of [null, {}, { client_id: 'a' }, { client_id: 'a\r\nb', client_secret: 'c' }, { client_id: 1, client_secret: 2 }])
      fails(() => readApp(json))
    for (const json of [null, {}, { access_token: 'a b' }, { access_token: 'a', token_type: 'mac' }]) fails(() => readToken(json))
  })

  it('S1-69 are a reason, in one line', () => {
    assert.equal(
      readError({ error: 'invalid_grant', error_description: 'The provided\n grant is invalid' }),
      'invalid_grant: The provided grant is invalid'
    )
    assert.equal(readError({ error: "Validation failed: Text can't be blank" }), "Validation failed: Text can't be blank")
    assert.ok(readError({ error: 'x'.repeat(1000) }).length === 300)
    for (const json of [undefined, null, 'x', [], {}, { error: 7 }]) assert.equal(readError(json), '')
  })

  it('S1-64 tell how long a status may be', () => {
    assert.equal(readLimit({ configuration: { statuses: { max_characters: 1000, characters_reserved_per_url: 23 } } }), 1000)
    assert.equal(readLimit({ max_toot_chars: 5000 }), 5000)
    for (const json of [null, {}, { configuration: { statuses: { max_characters: -1 } } }, { configuration: 7 }])
      assert.equal(readLimit(json), undefined)
  })

  it('S1-69 are JSON, or cannot be read', () => {
    assert.deepEqual(readJson(Buffer.from('{"id":"1"}')), { id: '1' })
    for (const body of ['', '<html>', '{"a":', '['.repeat(100_000)]) fails(() => readJson(Buffer.from(body)))
  })

  it('X36 may name anything __proto__', () => {
    const json = readJson(Buffer.from(JSON.stringify({ ...status }).replace('"reblog"', '"__proto__":{"id":"9"},"constructor":7,"reblog"')))
    assert.equal(readStatus(json, host).id, status.id)
    assert.equal(({} as { id?: string }).id, undefined)
  })

  it('X33 are read up to a bound', () => {
    const read = readStatus(answer({ content: 'x'.repeat(1_000_000), account: { ...account, display_name: 'n'.repeat(10_000) } }), host)
    assert.ok(read.html.length <= 65_536 && read.person.name.length === 200)
    assert.equal(readContext({ descendants: Array.from({ length: 5000 }, (_, n) => answer({ id: String(n) })) }, host).length, 4096)
  })

  it('X33 give no other error than that they cannot be read', () => {
    const readers = [readStatus, readContext, readStatuses, readPeople, readAccount, readApp, readToken, readLimit, readError]
    const read = (json: unknown) => {
      for (const reader of readers)
        try {
          reader(json, host)
        } catch (error) {
          assert.ok(error instanceof BadMessage)
        }
    }
    fc.assert(fc.property(odd, json => void [json, [json], { descendants: [json] }, { ...status, account: json }].map(read)))
  })
})
