import assert from 'node:assert/strict'
import { prefersActivityPub } from '../../src/web/negotiate.ts'

const AS2 = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'

/** What these send when they fetch an actor or a post, as their sources have it. */
const servers: [string, string][] = [
  ['Mastodon, a known object', 'application/activity+json, application/ld+json'],
  ['Mastodon, an address that somebody typed', `application/activity+json, ${AS2}, text/html;q=0.1`],
  ['Misskey', `application/activity+json, ${AS2}`],
  ['GoToSocial', `${AS2},application/activity+json`],
  ['Pleroma', 'application/activity+json'],
  ['Akkoma, whose two headers become one', `${AS2}, application/activity+json`],
  ['Lemmy', 'application/activity+json'],
  ['Friendica', `application/activity+json, ${AS2}`],
  [
    'Friendica, an address that somebody typed',
    'application/activity+json,application/ld+json; profile="https://www.w3.org/ns/activitystreams",*/*;q=0.9'
  ],
  ['Mona', `${AS2}, application/activity+json, text/html;q=0.1`],
  [
    'Bridgy Fed',
    'application/activity+json; q=0.9, application/ld+json;profile="https://www.w3.org/ns/activitystreams"; q=0.8, text/html; charset=utf-8; q=0.7'
  ],
  ['Fedify', 'application/activity+json, application/ld+json'],
  ['ActivityPub 3.2', AS2]
]

const others: [string, string][] = [
  ['a browser', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['IndieNews', 'text/html, application/xhtml+xml, application/xml;q=0.9, application/activity+json;q=0.8, */*;q=0.8'],
  ['whoever takes both alike', 'text/html, application/activity+json'],
  ['whoever takes XHTML alike', 'application/activity+json;q=0.5, application/xhtml+xml;q=0.5'],
  ['curl', '*/*'],
  ['whoever wants some JSON', 'application/json'],
  ['whoever takes any application', 'application/*'],
  ['a feed reader', 'application/feed+json, application/atom+xml, */*;q=0.1'],
  ['whoever refuses it', 'application/activity+json;q=0, */*'],
  ['nobody', ''],
  ['noise', ';;q=1,json,,/']
]

describe('which form is wanted', () => {
  for (const [who, accept] of servers) {
    it(`X47 is the document for ${who}`, () => assert.equal(prefersActivityPub(accept), true))
  }
  for (const [who, accept] of others) {
    it(`X47 is the page for ${who}`, () => assert.equal(prefersActivityPub(accept), false))
  }
  it('X47 is the document however its type is written', () =>
    assert.equal(prefersActivityPub('*/*, Application/Activity+JSON;q=0.1'), true))
})
