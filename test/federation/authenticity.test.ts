/**
 * Who is believed in what, as one table: signer x place of the author x way x verb (X16 to X19, section Y of protocols.md). What is
 * refused leaves no row in any table and asks nobody but the host of the author who is named.
 */
import assert from 'node:assert/strict'
import { signBody } from '../../src/protocol/hub.ts'
import { authorXml } from '../support/atom-documents.ts'
import { type Case, PLACES, type Place, SAYINGS, type Saying } from '../support/claims.ts'
import { jrd, linksOf, webFinger } from '../support/discovery.ts'
import { MINUTE, type Reader, type Site, startReader } from '../support/reader.ts'
import { keepPost } from '../support/residents.ts'
import { countRows, knownOf } from '../support/rows.ts'
import { type Endpoint, followXml, makeEndpoint, makePair, mentionXml, type Pair, type Writer } from '../support/slaps.ts'

const HERS = 'https://ann.example/posts/1'

describe('who is believed', () => {
  let reader: Reader
  let endpoint: Endpoint
  let mine: string
  let count = 0
  before(async () => {
    reader = await startReader()
    endpoint = makeEndpoint(reader)
    mine = (await keepPost(reader.tools, reader.bob, { html: 'mine' })).uri
  })
  after(() => reader.close())

  const actorOf = (uri: string) => reader.tools.actors.findByUri(uri)

  /** All that is known of ann, and our own posts: nobody else may change them. */
  const untouchable = async (ann: string): Promise<unknown> => {
    const { database } = reader.node.database
    return [await knownOf(database, ann), await database.knex('posts').where({ author_id: reader.bob.id }).orderBy('id')]
  }

  /** What one saying is about, whose id nobody used before. */
  const caseOf = async (by: string, ann: string, { object }: Place, saying: Saying): Promise<Case> => {
    const n = ++count
    // little enough that her key was asked for just now all the time: a wrong signature is refused for good
    reader.pass(10)
    const actor = await actorOf(by)
    const own = `${new URL(by).origin}/own/${n}`
    if (actor !== undefined && saying.verb.startsWith('a delete by')) await keepPost(reader.tools, actor, { uri: own })
    const said = { id: `${new URL(by).origin}/said/${n}`, by, ann, bob: reader.bob.uri, own, hers: HERS, mine }
    const whole = { ...said, objectAuthor: object?.(ann) ?? '' }
    return { ...whole, id: saying.id?.(whole) ?? whole.id }
  }

  /** Does it, and holds what came of it against what may. `allowed`: the hosts that may be asked, once each; `by`: who said it. */
  async function check(
    what: string,
    ann: string,
    work: () => Promise<unknown>,
    expected: { rows: boolean; allowed: string[]; by?: string }
  ): Promise<void> {
    const { database } = reader.node.database
    const [hers, rows, sent] = [await untouchable(ann), await countRows(database), reader.net.sent.length]
    const his = await knownOf(database, expected.by ?? '')
    await work()
    assert.deepEqual(await untouchable(ann), hers, `${what}: hers has changed`)
    if (!expected.rows) {
      assert.deepEqual(await countRows(database), rows, `${what}: it left rows`)
      assert.deepEqual(await knownOf(database, expected.by ?? ''), his, `${what}: it changed rows`)
    }
    const asked = reader.net.sent.slice(sent).map(({ url }) => new URL(url).host)
    for (const host of asked) assert.ok(expected.allowed.includes(host), `${what}: ${host} was asked`)
    assert.equal(new Set(asked).size, asked.length, `${what}: ${asked} were asked`)
  }

  describe('by Salmon', () => {
    /** A signer whose host claims that he is ann too. */
    function impostor(name: string, uri: string, pair: Pair = makePair()): Writer {
      const writer = endpoint.writer(name, { uri, pair })
      const key = { rel: 'magic-public-key', href: `data:application/magic-public-key,${pair.magicKey}` }
      const links = [...linksOf('mal', writer.host).filter(({ rel }) => rel !== key.rel), key]
      reader.net.set(webFinger(uri, writer.host), jrd({ subject: `acct:mal@${writer.host}`, aliases: [uri, ann.uri], links }))
      return writer
    }
    let ann: Writer
    const signers: Record<string, () => Writer> = {
      'a stranger': () => impostor('stranger', 'https://stranger.example/mal'),
      'somebody known': () => impostor('known', 'https://known.example/mal'),
      'a neighbour of hers': () => impostor('ann', 'https://ann.example/mal'),
      'a neighbour who is not known': () => impostor('ann', 'https://ann.example/new')
    }
    const signed = new Map<string, Writer>()
    before(async () => {
      ann = endpoint.writer('ann')
      for (const [inner, id] of [
        [followXml(reader.bob.uri), undefined],
        [mentionXml(reader.bob.uri), HERS]
      ] as const)
        assert.equal(await endpoint.post(ann.slap(inner, id === undefined ? {} : { id })), 202)
      const { tools } = reader
      const asked = { followerId: reader.bob.id, followedId: (await actorOf(ann.uri))!.id, via: 'feed' }
      await tools.follows.add({ ...asked, uri: `${reader.bob.uri}/acts/1` }, tools.clock())
      for (const [title, make] of Object.entries(signers)) signed.set(title, make())
      for (const title of ['somebody known', 'a neighbour of hers'])
        assert.equal(await endpoint.post(signed.get(title)!.slap(mentionXml(reader.bob.uri))), 202, title)
    })
    // how often strangers may make us ask is another matter
    beforeEach(() => {
      endpoint = makeEndpoint(reader)
    })

    /** One cell of the table. */
    async function cell(title: string, signer: Writer, place: Place, saying: Saying): Promise<void> {
      const what = `${title} names ann ${place.place} in ${saying.verb}`
      const said = await caseOf(signer.uri, ann.uri, place, saying)
      const known = (await actorOf(signer.uri)) !== undefined
      const body = signer.slap(saying.inner(said) + (place.more?.(ann.uri) ?? ''), {
        id: said.id,
        author: place.author(signer.uri, ann.uri)
      })
      const believed = place.status === undefined
      const effect = believed ? saying.salmon : undefined
      let status = 0
      const post = async () => {
        status = await endpoint.post(body)
      }
      await check(what, ann.uri, post, { rows: effect !== undefined, allowed: [signer.host, ann.host], by: signer.uri })
      // of a stranger's deletes, and of what concerns nobody here, nothing is to be known (X30, X31), not even whether it is genuine
      const idle = /^a (delete|new profile)/.test(saying.verb) || saying.salmon === undefined
      const dropped = !known && idle && (believed || status === 202)
      assert.equal(status, believed || dropped ? 202 : place.status, what)
      const actor = await actorOf(signer.uri)
      if (effect !== undefined && !dropped)
        assert.ok(await effect(reader.tools, said, actor?.id ?? '', reader.bob.id), `${what}: nothing came of it`)
    }

    for (const place of PLACES.filter(({ status }) => status !== undefined)) {
      for (const title of Object.keys(signers)) {
        it(`X16 M14 Y ${title} who names ann ${place.place} is refused, whatever is said`, async () => {
          for (const saying of SAYINGS) await cell(title, signed.get(title)!, place, saying)
        })
      }
    }
    for (const title of Object.keys(signers)) {
      for (const place of PLACES.filter(({ status }) => status === undefined)) {
        it(`X16 M14 M15 Y ${title} who names ann ${place.place} is believed as himself, and in nothing of hers`, async () => {
          for (const saying of SAYINGS) await cell(title, signed.get(title)!, place, saying)
        })
      }
    }
    it('M14 what a key of nobody signed is refused, whoever is named', async () => {
      reader.pass(MINUTE)
      const by = makePair()
      for (const saying of SAYINGS) {
        for (const writer of [ann, signed.get('somebody known')!]) {
          const said = await caseOf(writer.uri, ann.uri, PLACES[0]!, saying)
          let status = 0
          const post = async () => {
            status = await endpoint.post(writer.slap(saying.inner(said), { id: said.id, by }))
          }
          await check(saying.verb, ann.uri, post, { rows: false, allowed: [writer.host] })
          assert.equal(status, 401, saying.verb)
        }
      }
    })
    it('Y ann herself is believed in all of it', async () => {
      for (const saying of SAYINGS.filter(({ salmon }) => salmon !== undefined)) {
        const said = await caseOf(ann.uri, ann.uri, PLACES[0]!, saying)
        assert.equal(await endpoint.post(ann.slap(saying.inner(said), { id: said.id })), 202)
        assert.ok(await saying.salmon!(reader.tools, said, (await actorOf(ann.uri))!.id, reader.bob.id), saying.verb)
      }
    })
  })

  describe('by a feed', () => {
    const HER_URI = 'https://ann.example/ann'
    const sites: Record<string, () => Site> = {
      'somebody elsewhere': () => reader.site('mal'),
      'a neighbour of hers': () => reader.site('ann')
    }
    const owners = new Map<string, Site>()
    before(async () => {
      for (const [title, make] of Object.entries(sites)) owners.set(title, make())
      for (const site of owners.values()) await site.active()
    })

    const ways: Record<string, (site: Site, entry: string) => Promise<void>> = {
      pushes: (site, entry) => site.push(entry),
      publishes: async (site, entry) => {
        site.write(entry)
        await site.poll()
      }
    }
    const entryOf = ({ id }: Case, inner: string) => {
      const now = new Date(reader.time.now).toISOString()
      return `<entry><id>${id}</id><published>${now}</published><updated>${now}</updated>${inner}</entry>`
    }

    /** All that can be said, in the owner's name. */
    const everything = async ({ author }: Site): Promise<string> => {
      let entries = ''
      for (const saying of SAYINGS) {
        const said = await caseOf(author, HER_URI, PLACES[0]!, saying)
        entries += entryOf(said, saying.inner(said))
      }
      return entries
    }

    for (const [title, way] of Object.keys(sites).flatMap(title => Object.keys(ways).map(way => [title, way] as const))) {
      for (const place of PLACES) {
        const own = (title === 'somebody elsewhere' ? undefined : place.near) === 'own' || place.feed === 'own'
        it(`X16 I18 X9 Y ${title} who ${way} what names ann ${place.place} ${own ? 'speaks for himself' : 'only tells of it'}`, async () => {
          const site = owners.get(title)!
          const allowed = way === 'publishes' ? [new URL(site.feed).host] : []
          const refused: string[] = []
          for (const saying of SAYINGS) {
            const said = await caseOf(site.author, HER_URI, place, saying)
            const inner = saying.inner(said)
            const entry = entryOf(said, place.author(site.author, HER_URI) + inner + (place.more?.(HER_URI) ?? ''))
            const what = `${saying.verb}, ${place.place}`
            const copied = !own && !inner.includes('activity:verb')
            const effect = own ? saying.feed : undefined
            if (effect === undefined && !copied) {
              refused.push(entry)
              continue
            }
            await check(what, HER_URI, () => ways[way]!(site, entry), { rows: true, allowed })
            const actor = (await actorOf(site.author))!
            if (effect !== undefined) assert.ok(await effect(reader.tools, said, actor.id, reader.bob.id), `${what}: nothing came of it`)
            if (copied) assert.equal((await reader.tools.history.findByUri(`copy:${actor.id}:${said.id}`))?.verb, 'share', what)
          }
          assert.ok(refused.length > 10)
          await check(place.place, HER_URI, () => ways[way]!(site, refused.join('')), { rows: false, allowed, by: site.author })
        })
      }
    }

    it('S10 X20 Y nothing comes of what is pushed with no signature, a wrong one, or that of another subscription', async () => {
      const [mal, other] = [...owners.values()] as [Site, Site]
      const { secret } = await other.subscription()
      const document = mal.document(await everything(mal))
      for (const signer of [undefined, 'x', secret]) {
        const push = async () => {
          await mal.deliver(document, signer === undefined ? '' : signBody('sha256', signer, document))
          await reader.work()
        }
        await check(`signed with ${signer}`, HER_URI, push, { rows: false, allowed: [], by: mal.author })
      }
    })

    it('X4 Y a tombstone buries posts of its feed’s owner alone', async () => {
      const site = owners.get('somebody elsewhere')!
      for (const [ref, by] of [HERS, mine].flatMap(ref => [HER_URI, site.author].map(by => [ref, by] as const))) {
        const stone = `<at:deleted-entry ref="${ref}" when="2026-01-10T12:00:00Z"><at:by><name>x</name><uri>${by}</uri></at:by></at:deleted-entry>`
        for (const [way, send] of Object.entries(ways))
          await check(`${way} ${ref}`, HER_URI, () => send(site, stone), { rows: false, allowed: [new URL(site.feed).host] })
      }
    })

    it('I6 X7 Y a head in her name makes nothing hers', async () => {
      const site = owners.get('somebody elsewhere')!
      const her = authorXml(HER_URI, '<poco:note>evil</poco:note><link rel="avatar" href="https://mal.example/a.png"/>')
      const heads = [site.head.replace(authorXml(site.author), her), site.head.replace(`<id>${site.feed}</id>`, `<id>${HER_URI}</id>`)]
      for (const head of [...heads, heads[1]!.replace(authorXml(site.author), her)]) {
        const entries = await everything(site)
        const send = async () => {
          await site.deliver(site.document(entries, head))
          await reader.work()
          site.write(entries, {}, head)
          await site.poll()
        }
        await check(head, HER_URI, send, { rows: true, allowed: [new URL(site.feed).host] })
      }
    })
  })
})
