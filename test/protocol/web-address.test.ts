import assert from 'node:assert/strict'
import { isWebAddress, readWebAddress } from '../../src/protocol/web-address.ts'

describe('an address of the web', () => {
  for (const text of ['http://a.example', 'https://a.example/b?c#d', 'HTTPS://A.example/', 'https://[::1]:3000/x', 'https://ä.example/'])
    it(`X42 is ${text}`, () => assert.ok(isWebAddress(text)))

  for (const text of [undefined, '', 'a.example', '//a.example', 'https:a.example', 'https:///a.example', 'https://', 'ftp://a.example'])
    it(`X42 is not ${text}`, () => assert.ok(!isWebAddress(text)))

  it('X42 is never one that runs, or of another scheme, whatever it is relative to', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'JAVASCRIPT:alert(1)', ' javascript:x', 'acct:a@b.example', 'tag:x'])
      assert.equal(readWebAddress(text, 'https://a.example/'), undefined)
  })

  it('I12 is read against a base where there is one', () => {
    assert.equal(readWebAddress('../b', 'https://a.example/x/y')?.href, 'https://a.example/b')
    assert.equal(readWebAddress('../b'), undefined)
  })
})
