import assert from 'node:assert/strict'
import type { Activity, Post } from '../../src/model/activity.ts'
import { BadMessage } from '../../src/model/errors.ts'
import { readFeed } from '../../src/protocol/feed-document.ts'
import { readSample, withSamples } from '../support/samples.ts'

const URL = 'https://blog.example/feed'
const read = (document: string) => readFeed(Buffer.from(document), { url: URL })
const post = (activity: Activity | undefined): Post => (activity?.object.type === 'post' ? activity.object.post : assert.fail())

const RSS = `<?xml version="1.0"?><rss version="2.0" xmlns:a="http://www.w3.org/2005/Atom" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Blog &amp;amp; more</title><link>https://blog.example/</link><description>About</description>
<a:link rel="self" href="${URL}"/><a:link rel="hub" href="https://hub.example/"/><a:link rel="hub" href="https://hub2.example/"/>
<item><title>One &amp;amp; two</title><link>/1</link><guid isPermaLink="false">guid-1</guid><pubDate>Wed, 03 Mar 2010 16:48:12 +0000</pubDate>
<description>excerpt</description><content:encoded><![CDATA[<p>whole</p>]]></content:encoded><category>Cats</category>
<enclosure url="/a.mp3" length="12" type="audio/mpeg"/></item>
<item><dc:creator>Joe</dc:creator><title>Only a title</title></item>
<item><guid>https://blog.example/3</guid><description>three</description></item></channel></rss>`

const RDF = `<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel rdf:about="https://blog.example/"><title>Old</title><link>https://blog.example/</link><description>d</description></channel>
<item rdf:about="https://blog.example/1"><title>one</title><link>https://blog.example/1</link><dc:date>2020-01-01</dc:date><description>hi</description></item></rdf:RDF>`

const JSON_FEED = {
  version: 'https://jsonfeed.org/version/1.1',
  title: 'Blog',
  home_page_url: 'https://blog.example/',
  feed_url: URL,
  hubs: [{ type: 'WebSub', url: 'https://hub.example/' }],
  authors: [{ name: 'Ann', url: 'https://blog.example/ann' }],
  items: [
    {
      id: 1,
      url: '/1',
      title: 'One',
      content_html: '<p>x</p>',
      date_published: '2020-01-01T00:00:00Z',
      tags: ['Cats'],
      language: 'en',
      attachments: [{ url: '/a.mp3', mime_type: 'audio/mpeg', size_in_bytes: 12 }]
    },
    { id: '2', content_text: 'a < b', authors: [{ name: 'Joe' }] }
  ]
}

describe('feeds of blogs', () => {
  it('I3 reads RSS 2.0 with its hubs, and each item as an article of the site', () => {
    const feed = read(RSS)
    assert.deepEqual([feed.format, feed.id, feed.title, feed.dropped], ['rss', URL, 'Blog & more', 0])
    assert.deepEqual(feed.links, {
      self: [URL],
      hub: ['https://hub.example/', 'https://hub2.example/'],
      alternate: 'https://blog.example/'
    })
    assert.deepEqual(feed.author?.ids, ['https://blog.example/'])
    const { published, author, ...rest } = post(feed.activities[0])
    assert.deepEqual(rest, {
      id: 'guid-1',
      kind: 'article',
      title: 'One & two',
      html: '<p>whole</p>',
      url: 'https://blog.example/1',
      tags: ['cats'],
      mentions: [],
      enclosures: [{ url: 'https://blog.example/a.mp3', type: 'audio/mpeg', length: 12 }],
      visibility: 'public',
      sensitive: false
    })
    assert.deepEqual([published?.toISOString(), author?.ids], ['2010-03-03T16:48:12.000Z', ['https://blog.example/']])
  })

  it('I3 leaves the words of a title alone: decoded once, without markup that is markup beyond doubt', () => {
    const titles: [raw: string, title: string][] = [
      ['The &lt;picture&gt; element', 'The <picture> element'],
      ['The &amp;lt;picture&amp;gt; element', 'The <picture> element'],
      ['&lt;em&gt;Hi&lt;/em&gt; &lt;b class="x"&gt;there&lt;br/&gt;you&lt;/b&gt;', 'Hi there you'],
      ['On the &lt;b&gt; tag', 'On the <b> tag'],
      ['i &lt;b and c&gt; d', 'i <b and c> d'],
      ['&lt;b&gt;x&lt;/i&gt;', '<b>x</i>'],
      ['It&amp;#8217;s', 'It’s'],
      ['&lt;script&gt;x&lt;/script&gt;', '<script>x</script>'],
      ['<![CDATA[A <i>b</i> &lt;i&gt;]]>', 'A b <i>']
    ]
    for (const [raw, title] of titles)
      assert.equal(
        post(read(`<rss version="2.0"><channel><title>x</title><item><title>${raw}</title></item></channel></rss>`).activities[0]).title,
        title
      )
    const json = { ...JSON_FEED, items: [{ id: '1', title: 'The <picture> &amp; <b>b</b>' }] }
    assert.equal(post(read(JSON.stringify(json)).activities[0]).title, 'The <picture> &amp; <b>b</b>')
    assert.ok(read(`<rss version="2.0"><channel><title>x</title><item><title>${'&lt;b '.repeat(50_000)}</title></item></channel></rss>`))
  })

  it('I10 I11 names an item without an id by what it says, and shows its title', () => {
    const [, second, third] = read(RSS).activities
    assert.match(post(second).id, /^urn:sha256:/)
    assert.equal(post(second).html, '<p>Only a title</p>')
    assert.deepEqual(second?.actor, { ids: [], kind: 'person', displayName: 'Joe' })
    assert.deepEqual([post(third).id, post(third).url], ['https://blog.example/3', 'https://blog.example/3'])
  })

  it('I3 reads RSS 0.91 and 1.0', () => {
    assert.equal(
      post(read('<rss version="0.91"><channel><title>x</title><item><link>https://x.example/</link></item></channel></rss>').activities[0])
        .id,
      'https://x.example/'
    )
    const old = post(read(RDF).activities[0])
    assert.deepEqual([old.id, old.html, old.published?.toISOString()], ['https://blog.example/1', 'hi', '2020-01-01T00:00:00.000Z'])
  })

  it('I3 reads JSON Feed with its hubs', () => {
    const feed = read(JSON.stringify(JSON_FEED))
    assert.deepEqual(
      [feed.format, feed.links],
      ['json', { self: [URL], hub: ['https://hub.example/'], alternate: 'https://blog.example/' }]
    )
    const [one, two] = feed.activities
    assert.deepEqual(
      [post(one).id, post(one).url, post(one).author?.ids, post(one).language],
      ['1', 'https://blog.example/1', ['https://blog.example/ann'], 'en']
    )
    assert.deepEqual(post(one).enclosures, [{ url: 'https://blog.example/a.mp3', type: 'audio/mpeg', length: 12 }])
    assert.deepEqual([post(two).html, two?.actor], ['<p>a &lt; b</p>', { ids: [], kind: 'person', displayName: 'Joe' }])
  })

  it('X36 X35 refuses or survives hostile RSS and JSON', () => {
    for (const bad of [
      `{"version":"https://jsonfeed.org/version/1.1","items":${'['.repeat(1e6)}`,
      `{"version":"https://jsonfeed.org/version/1.1","items":${'['.repeat(1e5)}${']'.repeat(1e5)}}`,
      '{"__proto__":{"polluted":1}}',
      '<rss/>',
      '<rss><channel/></rss>',
      '<!DOCTYPE rss><rss/>',
      '<rss><channel><__proto__>x</__proto__></channel></rss>'
    ]) {
      try {
        read(bad)
      } catch (error) {
        assert.ok(error instanceof BadMessage, bad.slice(0, 60))
      }
    }
    const named = read(JSON.stringify(JSON_FEED).replace('{', '{"__proto__":{"polluted":1},"constructor":{"prototype":1},'))
    assert.equal(named.activities.length, 2)
    assert.equal(({} as Record<string, unknown>).polluted, undefined)
    assert.throws(() => readFeed(Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]), { url: URL }), BadMessage)
  })

  it('X34 refuses names that the library would take apart for minutes', () => {
    const item = (author: string) => `<rss version="2.0"><channel><title>x</title><item><title>t</title>${author}</item></channel></rss>`
    for (const name of [' ('.repeat(500_000), '('.repeat(21), '&lt;'.repeat(21), 'x'.repeat(1001)]) {
      assert.throws(() => read(item(`<Author>${name}</Author>`)), BadMessage)
    }
    assert.equal(post(read(item('<author>ann@blog.example (Ann)</author>')).activities[0]).author?.displayName, 'Ann')
  })

  it('I1 reads 200 items and counts the others', () => {
    const feed = read(`<rss version="2.0"><channel><title>x</title>${'<item><title>t</title></item>'.repeat(250)}</channel></rss>`)
    assert.deepEqual([feed.activities.length, feed.dropped], [200, 50])
  })
})

withSamples('feeds of real blogs', () => {
  it('I3 reads the RSS of WordPress with its hub', () => {
    const feed = readFeed(readSample('parse/gs-activity-example6.xml'), { url: URL })
    assert.deepEqual(feed.links, {
      self: ['http://en.blog.wordpress.com/feed/'],
      hub: ['http://en.blog.wordpress.com/?pushpress=hub'],
      alternate: 'http://en.blog.wordpress.com'
    })
    const [one] = feed.activities
    assert.deepEqual([one?.id, one?.actor?.displayName, post(one).tags.length], ['http://en.blog.wordpress.com/?p=3857', 'Joseph Scott', 4])
    assert.match(post(one).html, /^<p>From the tongue twisting/)
  })
})
