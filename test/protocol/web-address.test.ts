import assert from 'node:assert/strict'
import { isWebAddress, readWebAddress, withoutRoot } from '../../src/protocol/web-address.ts'

describe('an address of the web', () => {
  for (const text of ['http://a.example', 'https://a.example/b?c#d', 'HTTPS://A.example/', 'https://[::1]:3000/x', 'https://ä.example/'])
    it(`X42 is ${text}`, () => assert.ok(isWebAddress(text)))

  for (const text of [
    undefined,
    '',
    'a.example',
    '//a.example',
    'https:a.example',
    'https:///a.example',
    'https://',
    'ftp://a.example',
    'https://a.example./',
    'https://a.example.:8443/x',
    'https://a.example。/',
    'https://a.example%2e/'
  ])
    it(`X42 is not ${text}`, () => assert.ok(!isWebAddress(text)))

  it('X42 is never one that runs, or of another scheme, whatever it is relative to', () => {
    for (const text of ['javascript:alert(1)', 'data:text/html,x', 'JAVASCRIPT:alert(1)', ' javascript:x', 'acct:a@b.example', 'tag:x'])
      assert.equal(readWebAddress(text, 'https://a.example/'), undefined)
  })

  it('X13 is read without the dot of the root where hosts are compared', () => {
    for (const host of ['a.example', 'a.example.', 'a.example..']) assert.equal(withoutRoot(host), 'a.example')
    assert.deepEqual(['a.example.:80', '[::1]:80', '[::1]'].map(withoutRoot), ['a.example:80', '[::1]:80', '[::1]'])
  })

  it('I12 is read against a base where there is one', () => {
    assert.equal(readWebAddress('../b', 'https://a.example/x/y')?.href, 'https://a.example/b')
    assert.equal(readWebAddress('../b'), undefined)
  })
})
