/** Our node and an evil server: nobody is believed in another's name, and no answer does harm (section Z, X14 to X19, X23 to X31). */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { addAccount, findAccount } from '../../src/federation/accounts.ts'
import { follow } from '../../src/federation/follow.ts'
import { publish } from '../../src/federation/publish.ts'
import { pollFeed } from '../../src/federation/read-feed.ts'
import { isFailure } from '../../src/model/errors.ts'
import type { Account } from '../../src/model/kept.ts'
import { makeGuard } from '../../src/net/guard.ts'
import { makeHttp } from '../../src/net/http.ts'
import { REL, TYPE } from '../../src/protocol/names.ts'
import { authorXml, linkXml, verbXml } from '../support/atom-documents.ts'
import { type Case, PLACES, SAYINGS } from '../support/claims.ts'
import { type Evil, harms, type Person, startEvil } from '../support/doubles/evil.ts'
import { startNode, type TestNode, until } from '../support/node.ts'
import { countRows, knownOf } from '../support/rows.ts'
import { followXml, makePair, mentionXml, noteXml, sign, unfollowXml } from '../support/slaps.ts'

const SECOND = 1000
const ALLOW = '127.0.0.1/32'

/** The real client; `limit` is its patience. */
function makeImpatient() {
  const guard = makeGuard({ allow: [ALLOW] })
  const http = makeHttp({ guard, allowHttp: false, userAgent: 'test', clock: Date.now })
  const patience = { limit: 10 * SECOND }
  const request: typeof http.request = (url, ask = {}) => {
    return http.request(url, { ...ask, timeout: Math.min(ask.timeout ?? 10 * SECOND, patience.limit) })
  }
  return { patience, http: { ...http, request } }
}

describe('our node and an evil server', () => {
  let node: TestNode
  let evil: Evil
  let trap: Server
  let bob: Account
  let ann: Person
  let mal: Person
  let hers: string
  let mine: string
  let trapped = 0
  const { http, patience } = makeImpatient()
  before(async () => {
    node = await startNode({
      env: { TRUST_PROXY: '1', ALLOW_ADDRESSES: ALLOW },
      accounts: ['bob', 'carol'],
      overrides: { http }
    })
    bob = await findAccount(node.tools, 'bob')
    evil = await startEvil()
    trap = createServer().on('connection', () => trapped++)
    // where there is no IPv6, nothing can be trapped there either
    await new Promise<void>(done => trap.once('error', () => done()).listen(0, '::1', done))
    ann = evil.person('ann')
    mal = evil.person('mal')
    hers = ann.shows('/notes/1', '<content>her own words</content>')
    mine = (await publish(node.tools, bob, { text: 'ours' })).uri
    assert.equal(await post(ann.slap(mentionXml(bob.uri, 'her own words'), { id: hers })), 202)
    assert.equal(await post(ann.slap(followXml(bob.uri))), 202)
    assert.equal(await post(mal.slap(mentionXml(bob.uri))), 202)
    for (const person of [ann, mal]) await follow(node.tools, person.acct, { as: bob })
    for (const person of [ann, mal]) await until('the subscription', person.isSubscribed)
  })
  after(async () => {
    await node?.close()
    await evil?.close()
    await new Promise(done => trap?.close(done))
  })

  let addresses = 0
  /** Each envelope comes from another address: how often one may make us ask is another matter. */
  async function post(body: Buffer, to = 'bob'): Promise<number> {
    addresses++
    const from = `192.0.${addresses >> 8}.${addresses & 255}`
    const headers = { 'content-type': TYPE.magicEnvelope, 'x-forwarded-for': from }
    return (await fetch(`${node.url}/users/${to}/salmon`, { method: 'POST', headers, body: new Uint8Array(body) })).status
  }
  const kept = (uri: string) => node.tools.history.findByUri(uri)
  /** Without the work that goes on meanwhile. */
  const rows = async () => {
    const { claims: _, jobs: __, ...rest } = await countRows(node.database.database)
    return rest
  }
  const isFollower = async ({ uri }: Person) => {
    const actor = await node.tools.actors.findByUri(uri)
    return actor !== undefined && (await node.tools.follows.find(actor.id, bob.id)) !== undefined
  }
  const ofAnn = () => knownOf(node.database.database, ann.uri)
  const unharmed = async (work: () => Promise<unknown>): Promise<void> => {
    const before = await ofAnn()
    await work()
    assert.deepEqual(await ofAnn(), before)
  }
  const caseOf = ({ origin, uri }: Person, n: number | string): Case => ({
    ...{ id: `${origin}/said/${n}`, by: uri, ann: ann.uri, bob: bob.uri },
    ...{ own: `${origin}/own/${n}`, hers, mine, objectAuthor: authorXml(ann.uri) }
  })

  describe('that speaks for another', () => {
    it('X16 M14 Z is refused wherever in an envelope it names her', async () => {
      for (const { author, more, place, status } of PLACES.filter(one => one.status !== undefined)) {
        const before = await rows()
        await unharmed(async () => {
          for (const [n, saying] of SAYINGS.entries()) {
            const said = caseOf(mal, `${place} ${n}`)
            const inner = saying.inner(said) + (more?.(ann.uri) ?? '')
            const slap = mal.slap(inner, { id: saying.id?.(said) ?? said.id, author: author(mal.uri, ann.uri) })
            assert.equal(await post(slap), status, `${saying.verb}, ${place}`)
          }
        })
        assert.deepEqual(await rows(), before, place)
      }
    })

    it('X4 X5 X7 X11 Y changes nothing of hers in its own name either, by Salmon and by its hub', async () => {
      const about = SAYINGS.filter(({ salmon, verb }) => salmon === undefined && /hers|asked/.test(verb))
      const before = (await kept(hers))!
      await unharmed(async () => {
        let entries = ''
        for (const [n, saying] of about.entries()) {
          const said = caseOf(mal, `own ${n}`)
          const id = saying.id?.(said) ?? said.id
          assert.equal(await post(mal.slap(saying.inner(said), { id })), 202)
          entries += mal.entry(saying.inner(said), { id })
        }
        const last = `${mal.origin}/last`
        await mal.push(entries + mal.entry('<content>the last</content>', { id: last, at: Date.now() + SECOND }))
        await until('the push', () => kept(last))
        await mal.push(
          `<at:deleted-entry xmlns:at="http://purl.org/atompub/tombstones/1.0" ref="${hers}"/>${mal.entry('', { id: `${last}2` })}`
        )
        await until('the push', () => kept(`${last}2`))
      })
      assert.deepEqual(await kept(hers), before)
      assert.ok(await isFollower(ann))
    })

    it('X9 I18 shows her entries in its feed as told, and her words as she wrote them', async () => {
      const [false1, false2] = [`${ann.origin}/notes/false`, hers]
      await unharmed(() =>
        mal.push([false1, false2].map(id => mal.entry('<content>false</content>', { id, author: authorXml(ann.uri) })).join(''))
      )
      const actor = (await node.tools.actors.findByUri(mal.uri))!
      const [told, shown] = await Promise.all([false1, false2].map(id => until(id, () => kept(`copy:${actor.id}:${id}`))))
      assert.deepEqual([told!.verb, told!.quoted?.authorUri, told!.sharedId], ['share', ann.uri, undefined])
      assert.deepEqual([shown!.verb, shown!.quoted, shown!.sharedId], ['share', undefined, (await kept(hers))!.id])
      assert.equal(await kept(false1), undefined)
    })

    it('X2 I18 shares a false original in vain: the words come from her own host', async () => {
      const theirs = ann.shows('/notes/2', '<content>true</content>')
      const shares = (id: string) =>
        mal.entry(
          verbXml('share') + noteXml(id, `<content>false</content>${linkXml('alternate', id, 'type="text/html"')}${authorXml(ann.uri)}`),
          {
            id: `${mal.origin}/shares/${id.slice(-1)}`
          }
        )
      await mal.push(shares(theirs) + shares(`${ann.origin}/notes/9`))
      await until('the original', () => kept(theirs))
      assert.equal((await kept(theirs))!.html, 'true')
      assert.equal((await until('the share', () => kept(`${mal.origin}/shares/2`))).sharedId, (await kept(theirs))!.id)
      assert.equal((await until('the quotation', () => kept(`${mal.origin}/shares/9`))).sharedId, undefined)
      assert.equal(await kept(`${ann.origin}/notes/9`), undefined)
    })

    it('X14 D8 D9 D13 Z is not taken for her by any descriptor', async () => {
      const acct = (name: string) => `acct:${name}@${ann.host}`
      const chains: Record<string, (me: Person) => Parameters<Person['tells']>[0]> = {
        'her subject': me => ({ subject: ann.acct, aliases: [me.uri], links: me.links() }),
        'her subject and feed': me => ({
          ...{ subject: ann.acct, aliases: [me.uri] },
          links: me.links().map(link => (link.rel === REL.updatesFrom ? { ...link, href: ann.feed } : link))
        }),
        'her URI and account as aliases': me => ({ subject: me.uri, aliases: [me.uri, ann.uri, ann.acct], links: me.links() }),
        'somebody of her host': me => ({ subject: acct('nobody'), aliases: [me.uri], links: me.links() }),
        'her URI as subject': me => ({ subject: ann.uri, aliases: [me.acct, me.uri], links: me.links() })
      }
      for (const [i, [title, told]] of Object.entries(chains).entries()) {
        const me = evil.person(`chain${i}`)
        me.tells(told(me))
        await unharmed(async () => {
          assert.ok([202, 401].includes(await post(me.slap(followXml(bob.uri)))), title)
          assert.equal(await post(me.slap(unfollowXml(bob.uri), { author: authorXml(ann.uri) })), 401, title)
          const found = await follow(node.tools, me.acct, { as: bob }).catch(error => {
            if (!isFailure(error)) throw error
            return undefined
          })
          assert.notEqual(found?.actor.uri, ann.uri, title)
        })
        for (const name of [ann.uri, ann.acct]) assert.equal((await node.tools.actors.findByName(name))?.uri, ann.uri, title)
        assert.notEqual((await node.tools.actors.findByUri(me.uri))?.acct, ann.acct.slice('acct:'.length), title)
      }
    })
  })

  it('M4 D12 gets a new key looked at once a minute, however often it changes it', async () => {
    const me = evil.person('flips')
    const keys = [me.pair, makePair(), makePair()]
    const statuses = []
    for (const by of keys) {
      me.tells({ subject: me.acct, aliases: [me.uri], links: me.links(by) })
      statuses.push(await post(me.slap(mentionXml(bob.uri), { by })))
    }
    statuses.push(await post(me.slap(mentionXml(bob.uri), { by: keys[0]! })))
    assert.deepEqual([statuses, me.asked()], [[202, 202, 401, 401], 2])
  })

  it('M16 X18 replays in vain: to the same account, to another, after a delete, and a follow after its end', async () => {
    const now = Date.now()
    const [said, followed] = [
      mal.slap(mentionXml(bob.uri), { id: `${mal.origin}/replayed` }),
      mal.slap(followXml(bob.uri), { at: now - 9 * SECOND })
    ]
    await addAccount(node.tools, 'dora')
    for (const slap of [said, followed, mal.slap(unfollowXml(bob.uri)), mal.slap(verbXml('delete'), { id: `${mal.origin}/replayed` })])
      assert.equal(await post(slap), 202)
    const before = await rows()
    for (const to of ['bob', 'carol', 'dora']) for (const slap of [said, followed]) assert.equal(await post(slap, to), 202)
    assert.deepEqual(await rows(), before)
    assert.deepEqual([(await kept(`${mal.origin}/replayed`))!.html, await isFollower(mal)], ['', false])
  })

  describe('whose answers hurt', () => {
    before(() => {
      patience.limit = SECOND / 2
    })
    after(() => {
      patience.limit = 10 * SECOND
    })
    const list = () => Object.entries(harms((trap.address() as AddressInfo | null)?.port ?? 9))

    it('X23 X26 X27 D7 D14 Z is given up as the source of a key, leaves nothing, and holds up nobody', async () => {
      const before = await rows()
      const hurt = list().map(async ([harm, answer], i) => {
        const me = evil.person(`harm${i}`)
        for (const path of ['/.well-known/webfinger', '/feed', undefined]) me.answers(answer, path)
        const status = await post(me.slap(mentionXml(bob.uri)))
        assert.ok(status === 401 || status === 503, `${harm}: ${status}`)
        assert.ok(me.asked() <= 12, `${harm}: asked ${me.asked()} times`)
      })
      assert.equal(await post(mal.slap(mentionXml(bob.uri), { id: `${mal.origin}/replayed` })), 202)
      await Promise.all(hurt)
      assert.deepEqual([await rows(), trapped], [before, 0])
    })

    it('X23 X26 X27 I15 Z is a feed that could not be read, and is read again afterwards', async () => {
      const { id } = (await node.tools.subscriptions.findByTopic(mal.feed))!
      const before = await rows()
      for (const [harm, answer] of list()) {
        mal.answers(answer, '/feed')
        await pollFeed(node.tools, id)
        assert.ok((await node.tools.subscriptions.find(id))!.pollFailures > 0, harm)
      }
      assert.deepEqual([await rows(), trapped], [before, 0])
      patience.limit = 10 * SECOND
      mal.writes(mal.entry('<content>peace</content>', { id: `${mal.origin}/peace` }))
      await pollFeed(node.tools, id)
      assert.ok(await kept(`${mal.origin}/peace`))
    })

    it('I1 M5 M13 Z is refused with what it puts into an envelope', async () => {
      const before = await rows()
      const inside = ['<!DOCTYPE x [<!ENTITY a "b">]><entry/>', '<x>'.repeat(10_000), `<entry>${'<y/>'.repeat(60_000)}</entry>`]
      const outside = [mal.slap('').toString().replace('<me:env', '<!DOCTYPE x><me:env'), '<x>'.repeat(90_000), '['.repeat(90_000)]
      for (const body of [...inside.map(text => sign(text, mal.pair)), ...outside.map(text => Buffer.from(text))])
        assert.equal(await post(body), 400, body.toString('latin1', 0, 80))
      assert.deepEqual(await rows(), before)
    })
  })

  it('M10 X24 X30 is asked for five of a thousand unknown authors of one host in a minute', async () => {
    const crowd = evil.person('crowd')
    const before = await rows()
    const began = Date.now()
    const slaps = Array.from({ length: 1000 }, (_, n) => crowd.slap(mentionXml(bob.uri), { author: authorXml(`${crowd.origin}/${n}`) }))
    const statuses = new Map<number, number>()
    const send = async () => {
      for (let slap = slaps.pop(); slap !== undefined; slap = slaps.pop()) {
        const status = await post(slap)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      }
    }
    await Promise.all(Array.from({ length: 8 }, send))
    // one look-up is a handful of requests; a slow machine may need more than one minute
    const lookUps = 5 * (1 + Math.ceil((Date.now() - began) / 60_000))
    assert.ok((statuses.get(429) ?? 0) >= 1000 - lookUps, JSON.stringify([...statuses]))
    assert.ok(crowd.asked() <= lookUps * 5, `${crowd.asked()} requests`)
    assert.deepEqual(await rows(), before)
  })
})
