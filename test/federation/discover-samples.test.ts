import assert from 'node:assert/strict'
import { confirmUri, discover } from '../../src/federation/discover.ts'
import { Missing, Refused } from '../../src/model/errors.ts'
import { readCapture } from '../support/captures.ts'
import { clock, failed, found, webFinger } from '../support/discovery.ts'
import { makeInternet, type PageOf } from '../support/internet.ts'
import { readSample, withSamples } from '../support/samples.ts'

withSamples('discover, with documents of others', () => {
  const capture = (path: string): PageOf => readCapture(readSample(path))
  const ask = (pages: Record<string, PageOf>, input: string) => discover({ ...makeInternet(pages), clock }, input)

  it('D8 W8 finds an account whose host-meta lies on its own domain and whose descriptor on another, by both names', async () => {
    const pages = {
      'https://localdomain.com/.well-known/host-meta': capture('requests/localdomain-hostmeta.txt'),
      [webFinger('acct:foo@localdomain.com', 'webdomain.com')]: capture('requests/localdomain-webfinger.txt'),
      [webFinger('acct:foo@webdomain.com', 'webdomain.com')]: capture('requests/localdomain-webfinger.txt')
    }
    const direct = found(await ask(pages, 'foo@localdomain.com'))
    assert.deepEqual([direct.acct, direct.aliases, direct.feed], ['foo@localdomain.com', [], 'https://webdomain.com/users/foo.atom'])
    const other = found(await ask(pages, 'foo@webdomain.com'))
    assert.deepEqual([other.acct, other.aliases, other.links], ['foo@localdomain.com', ['foo@webdomain.com'], direct.links])
  })

  for (const server of ['masto', 'pleroma']) {
    it(`D8 W8 finds the account of a split domain of ${server}, though it was asked for at the other host`, async () => {
      const fill = (path: string): PageOf => ({
        body: readSample(path)
          .toString()
          .replaceAll('{{nickname}}', 'a')
          .replaceAll('{{subdomain}}', 'sub.split.example')
          .replaceAll('{{domain}}', 'split.example')
      })
      const account = fill(`discovery/split-${server}-webfinger.json`)
      const result = await ask(
        {
          'https://sub.split.example/.well-known/host-meta': { redirectTo: 'https://split.example/.well-known/host-meta' },
          'https://split.example/.well-known/host-meta': fill(`discovery/split-${server}-host-meta.xml`),
          [webFinger('acct:a@sub.split.example', 'split.example')]: account,
          [webFinger('acct:a@split.example', 'split.example')]: account
        },
        'a@sub.split.example'
      )
      assert.deepEqual(
        [found(result).acct, found(result).aliases, found(result).activityPubOnly],
        ['a@split.example', ['a@sub.split.example'], true]
      )
    })
  }

  const quitter = { [webFinger('acct:gargron@quitter.no', 'quitter.no')]: capture('requests/quitter.no.webfinger.txt') }
  const thefts: [sample: string, pages: Record<string, PageOf>][] = [
    ['requests/webfinger-hacker1.txt', quitter],
    ['requests/webfinger-hacker2.txt', quitter],
    [
      'requests/webfinger-hacker3.txt',
      { [webFinger('acct:localhost@kickass.zone', 'kickass.zone')]: capture('requests/webfinger-hacker2.txt') }
    ],
    ['discovery/webfinger_spoof.json', {}]
  ]
  for (const [sample, pages] of thefts) {
    it(`D8 X14 rejects ${sample}`, async () => {
      const page = sample.endsWith('.txt') ? capture(sample) : { body: readSample(sample) }
      failed(await ask({ ...pages, [webFinger('acct:hacker@redirected.com', 'redirected.com')]: page }, 'hacker@redirected.com'), Refused)
    })
  }

  for (const [server, host, name, uri] of [
    ['gs-1.20.9', 'classic.test', 'dora', 'https://classic.test/user/1'],
    ['gs-2.0.0beta0', 'social.test', 'alice', 'https://social.test/index.php/user/1']
  ] as const) {
    const folder = `gnu-social/${server}`
    const feed = `https://${host}/api/statuses/user_timeline/1.atom`

    it(`D8 finds an account of ${server} by its name, its profile page and its URI`, async () => {
      const pages = {
        [webFinger(`acct:${name}@${host}`, host)]: capture(`${folder}/05-webfinger-acct-jrd.http`),
        [webFinger(`https://${host}/${name}`, host)]: capture(`${folder}/08-webfinger-profile-url.http`),
        [webFinger(uri, host)]: capture(`${folder}/09-webfinger-user-uri.http`)
      }
      for (const input of [`${name}@${host}`, `https://${host}/${name}`, uri]) {
        const account = found(await ask(pages, input))
        assert.deepEqual([account.acct, account.feed, account.links.keys.length], [`${name}@${host}`, feed, 1])
      }
      assert.equal(found(await confirmUri({ ...makeInternet(pages), clock }, uri)).acct, `${name}@${host}`)
    })

    it(`D2 finds an account of ${server} by host-meta alone, and by the page alone`, async () => {
      const meta = { [`https://${host}/.well-known/host-meta`]: capture(`${folder}/01-host-meta.http`) }
      const named = { [webFinger(`acct:${name}@${host}`, host)]: capture(`${folder}/06-webfinger-acct-xrd.http`) }
      assert.equal(found(await ask({ ...meta, ...named }, `${name}@${host}`)).feed, feed)
      const page = { [`https://${host}/${name}`]: capture(`${folder}/42-profile-page-head.http`) }
      assert.equal(found(await ask(page, `https://${host}/${name}`)).feed, feed)
      const linked = { [webFinger(uri, host)]: capture(`${folder}/09-webfinger-user-uri.http`), ...named }
      assert.equal(found(await ask({ ...page, ...linked }, `https://${host}/${name}`)).acct, `${name}@${host}`)
    })

    it(`D4 does not find an unknown user of ${server}, which answers 500 with a page`, async () =>
      void failed(
        await ask({ [webFinger(`acct:nobody@${host}`, host)]: capture(`${folder}/10-webfinger-unknown.http`) }, `nobody@${host}`),
        Missing
      ))
  }
})
