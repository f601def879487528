import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage, isFailure, Refused } from '../../src/model/errors.ts'
import { makeGuard } from '../../src/net/guard.ts'

const guard = makeGuard({ allow: [] })
const lan = makeGuard({ allow: ['127.0.0.0/8', '10.1.0.0/16', '::1', '192.168.1.5'] })

const PRIVATE = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '100.64.0.1', '100.127.255.255', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
  ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.0.1', '198.18.0.1', '198.19.255.255'],
  ...['198.51.100.7', '203.0.113.9', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255'],
  ...['::', '::1', '::127.0.0.1', '::7f00:1', '::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:8.8.8.8', '::ffff:0:127.0.0.1'],
  ...['64:ff9b::7f00:1', '64:ff9b::169.254.169.254', '64:ff9b:1::1', '100::1', '2001::1', '2001:0:4136:e378::1', '2001:20::1'],
  ...['2001:db8::1', '2002:7f00:1::', '3fff::1', '5f00::1', 'fc00::1', 'fd12::1', 'fe80::1', 'fe80::1%lo', 'fec0::1', 'ff02::1']
]
const PUBLIC = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '100.63.255.255', '100.128.0.1', '172.15.255.255', '172.32.0.1', '192.0.1.1'],
  ...['198.17.255.255', '198.20.0.1', '223.255.255.255', '2001:200::1', '2606:4700:4700::1111', '2a00:1450::1', '3ffe::1']
]

describe('guard', () => {
  for (const ip of PRIVATE) it(`X23 does not let ${ip} be reached`, () => assert.equal(guard.isAllowed(ip), false))
  for (const ip of PUBLIC) it(`I15 lets ${ip} be reached`, () => assert.equal(guard.isAllowed(ip), true))

  it('I15 allows nothing that is no address', () => {
    for (const text of ['', 'localhost', '127.1', '8.8.8', 'example.org', '1.1.1.1/8']) assert.equal(guard.isAllowed(text), false)
  })

  it('I15 opens what ALLOW_ADDRESSES names, and no more', () => {
    for (const ip of ['127.0.0.1', '10.1.2.3', '::1', '192.168.1.5']) assert.ok(lan.isAllowed(ip) && lan.isListed(ip), ip)
    for (const ip of ['10.2.0.1', '192.168.1.6', '::2', '169.254.169.254']) assert.ok(!lan.isAllowed(ip) && !lan.isListed(ip), ip)
    assert.ok(lan.isAllowed('8.8.8.8') && !lan.isListed('8.8.8.8'))
  })

  it('I15 refuses an ALLOW_ADDRESSES that is no range', () => {
    for (const range of ['localhost', '127.0.0.0/33', '127.0.0.0/', '127.0.0.0/8/8', '::/129', '10.0/8', '10.0.0.0/-1', '']) {
      assert.throws(() => makeGuard({ allow: [range] }), BadMessage, range)
    }
  })

  const spellings = [
    '127.1',
    '2130706433',
    '0x7f.1',
    '0x7f000001',
    '0177.0.0.1',
    '017700000001',
    '127.0.0.1.',
    '１２７.０.０.１',
    '①②⑦.0.0.1'
  ]
  for (const host of [
    ...spellings,
    '127。0。0。1',
    '%31%32%37.0.0.1',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[fe80::1]'
  ]) {
    it(`X23 refuses the URL http://${host}/`, () => assert.throws(() => guard.checkUrl(`http://${host}/`), Refused))
  }
  for (const host of spellings) {
    it(`X23 takes http://${host}/ once loopback is opened`, () => assert.equal(lan.checkUrl(`http://${host}/`).hostname, '127.0.0.1'))
  }

  it('X28 takes ports 80, 443 and those from 1024 that are no named services', () => {
    for (const port of ['', ':80', ':443', ':1024', ':3000', ':4040', ':65535']) guard.checkUrl(`https://a.example${port}/`)
    for (const port of [0, 21, 22, 25, 81, 444, 1023, 1433, 3306, 5432, 6379, 9200, 11211, 27017]) {
      assert.throws(() => guard.checkUrl(`http://a.example:${port}/`), Refused, String(port))
    }
  })

  it('X28 takes any port from 1024 inside ALLOW_ADDRESSES', () => {
    lan.checkUrl('http://127.0.0.1:5432/')
    lan.checkUrl('http://localhost:6379/')
    assert.throws(() => lan.checkUrl('http://127.0.0.1:22/'), Refused)
    assert.throws(() => lan.checkUrl('http://8.8.8.8:5432/'), Refused)
  })

  it('X28 refuses credentials and any scheme but http and https', () => {
    const refused = ['http://u:p@a.example/', 'https://u@a.example/', 'https://:p@a.example/', 'ftp://a.example/', 'file:///etc/passwd']
    for (const url of [
      ...refused,
      'gopher://a.example/',
      'javascript:alert(1)',
      'data:,x',
      'blob:https://a.example/x',
      'ws://a.example/'
    ]) {
      assert.throws(() => guard.checkUrl(url), Refused, url)
    }
  })

  it('X13 refuses a host that ends in a dot, however that is written', () => {
    for (const host of ['a.example.', 'a.example.:8080', 'a.example。', 'a.example%2e', 'localhost.', 'a.example..'])
      assert.throws(() => lan.checkUrl(`https://${host}/`), Refused, host)
  })

  it('I15 refuses a URL of more than 2,048 characters, and one that becomes so', () => {
    assert.ok(guard.checkUrl(`https://a.example/${'x'.repeat(2000)}`))
    assert.throws(() => guard.checkUrl(`https://a.example/${'x'.repeat(2048)}`), Refused)
    assert.throws(() => guard.checkUrl(`https://a.example/${'ü'.repeat(1000)}`), Refused)
  })

  it('I15 cuts off the fragment and keeps the query', () => {
    assert.equal(guard.checkUrl('https://A.example/x?b=2&a=%31#top').href, 'https://a.example/x?b=2&a=%31')
  })

  it('I15 answers any text with a URL or one of the four errors', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.webUrl(),
      fc.ipV6().map(ip => `http://[${ip}]/`),
      fc.ipV4Extended().map(ip => `http://${ip}/`)
    )
    fc.assert(
      fc.property(text, url => {
        try {
          guard.checkUrl(url)
        } catch (error) {
          assert.ok(isFailure(error))
        }
      })
    )
  })
})
