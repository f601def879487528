import assert from 'node:assert/strict'
import { activityIdOf } from '../../src/protocol/activity-id.ts'

describe('the ActivityPub id of what bears a tag: URI', () => {
  const MASTODON = 'https://masto.example/users/ann'
  const status = (n: string) => `tag:masto.example,2017-04-14:objectId=${n}:objectType=Status`
  const notice = (type: string) => `tag:social.example,2026-01-10:noticeId=7:objectType=${type}`

  const known: [id: string, uri: string, kind: 'post' | 'share', url: string][] = [
    [status('9'), MASTODON, 'post', `${MASTODON}/statuses/9`],
    [status('109252111498807689'), MASTODON, 'share', `${MASTODON}/statuses/109252111498807689/activity`],
    [notice('note'), 'https://social.example/index.php/user/1', 'post', 'https://social.example/object/note/7'],
    [notice('comment'), 'https://social.example/user/1', 'post', 'https://social.example/object/note/7'],
    [notice('note'), 'https://social.example/gs/index.php/user/1', 'post', 'https://social.example/gs/object/note/7']
  ]
  for (const [id, uri, kind, url] of known)
    it(`X13 of ${id} by ${uri} as a ${kind} is ${url}`, () => assert.equal(activityIdOf(id, { speaks: 'activitypub', uri }, kind), url))

  it('X13 is there for a Mastodon that never came by ActivityPub, but not for a GNU social, which may be too old for it', () => {
    assert.equal(activityIdOf(status('9'), { speaks: 'ostatus', uri: MASTODON }, 'post'), `${MASTODON}/statuses/9`)
    assert.equal(activityIdOf(notice('note'), { speaks: 'ostatus', uri: 'https://social.example/user/1' }, 'post'), undefined)
  })

  const unknown: [id: string, uri: string][] = [
    [`${status('9')}x`, MASTODON],
    [` ${status('9')}`, MASTODON],
    [status('9/../../bob/statuses/1'), MASTODON],
    [status('9'.repeat(21)), MASTODON],
    [status('9').replace('Status', 'Conversation'), MASTODON],
    [status('9').replace('Status', 'note'), MASTODON],
    [status('9'), `${MASTODON}/statuses`],
    [status('9'), 'https://masto.example/@ann'],
    [status('9'), `${MASTODON}?x=`],
    [status('9'), `${MASTODON}\nhttps://masto.example/users/bob`],
    [status('9'), 'acct:ann@masto.example'],
    [notice('note'), 'https://social.example/ann'],
    [notice('Status'), 'https://social.example/user/1'],
    ['https://masto.example/users/ann/statuses/9', MASTODON]
  ]
  for (const [id, uri] of unknown)
    it(`X13 is not invented for ${JSON.stringify(id)} by ${JSON.stringify(uri)}`, () =>
      assert.equal(activityIdOf(id, { speaks: 'activitypub', uri }, 'post'), undefined))
})
