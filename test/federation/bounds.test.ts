/** How much strangers may make us ask (protocols.md M10, X24, X30). */
import assert from 'node:assert/strict'
import { domainOf, makeBounds, makeNewDomains } from '../../src/federation/bounds.ts'

const full = { name: 'Refused', status: 429 }

describe('what strangers may make us ask', () => {
  for (const [host, domain] of [
    ['a.b.example.org:8443', 'example.org'],
    ['social.example.co.uk', 'example.co.uk'],
    ['ann.github.io', 'ann.github.io'],
    ['ben.blog.ann.github.io', 'ann.github.io'],
    ['co.uk', 'co.uk'],
    ['localhost:3000', 'localhost:3000'],
    ['127.0.0.1:3000', '127.0.0.1:3000'],
    ['[2001:db8::1]:80', '[2001:db8::1]:80']
  ] as const)
    it(`X30 is counted for ${host} as ${domain}`, () => assert.equal(domainOf(host), domain))

  it('X30 shuts no neighbour out under a suffix that many share', async () => {
    const bounds = makeBounds()
    for (let n = 0; n < 40; n++) await bounds.spend(`192.0.2.${n}`, `site${n}.co.uk`)
    for (let n = 0; n < 40; n++) await bounds.spend(`192.0.2.${n}`, `s${n}.site.co.uk`)
    await assert.rejects(bounds.spend('192.0.2.99', 's40.site.co.uk'), full)
  })

  it('X30 asks a host more often that tells what it is asked for, but not for those who named somebody in vain, nor when much is in vain', async () => {
    const bounds = makeBounds({ more: 20 })
    const asked = async (host: string, from: (n: number) => string) => {
      for (let n = 0; ; n++)
        if (
          await bounds.spend(from(n), host).then(
            () => false,
            () => true
          )
        )
          return n
    }
    const [one, each] = [() => '192.0.2.1', (n: number) => `198.51.100.${n}`]
    assert.equal(await asked('busy.example', one), 30)
    assert.equal(await asked('busy.example', each), 0, 'all of it was used up')
    await bounds.blame('192.0.2.2', 'vain.example')
    assert.equal(await asked('vain.example', each), 10)
    await bounds.praise('vain.example')
    assert.equal(await asked('vain.example', each), 20, 'as often was it not in vain')
    assert.equal(await asked('other.example', () => '192.0.2.2'), 5, 'who was blamed has no part in it')
  })

  it('X30 leads to so many new domains in an hour, for each who leads and for all', async () => {
    const mayMeet = makeNewDomains({ each: 2, all: 3 })
    for (const host of ['a.example', 'b.example', 'x.a.example', 'y.b.example', 'a.example']) await mayMeet('ann', host)
    await assert.rejects(mayMeet('ann', 'c.example'), full)
    await mayMeet('ben', 'c.example')
    await mayMeet('ann', 'c.example')
    await assert.rejects(mayMeet('ben', 'd.example'), full)
  })
})
