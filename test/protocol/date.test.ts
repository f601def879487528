import assert from 'node:assert/strict'
import { readDate } from '../../src/protocol/date.ts'

describe('dates', () => {
  it('I14 reads RFC 3339 with any offset, and takes a missing zone for UTC', () => {
    for (const [written, expected] of [
      ['2024-01-02T03:04:05Z', '2024-01-02T03:04:05.000Z'],
      ['2024-01-02T03:04:05+00:00', '2024-01-02T03:04:05.000Z'],
      ['2024-01-02T03:04:05.1239-08:30', '2024-01-02T11:34:05.123Z'],
      ['2024-01-02t03:04:05z', '2024-01-02T03:04:05.000Z'],
      [' 2024-01-02 03:04:05 +0200\n', '2024-01-02T01:04:05.000Z'],
      ['2024-01-02T03:04:05', '2024-01-02T03:04:05.000Z'],
      ['2024-01-02', '2024-01-02T00:00:00.000Z'],
      ['2999-01-01T00:00:00Z', '2999-01-01T00:00:00.000Z']
    ]) {
      assert.equal(readDate(written)?.toISOString(), expected, written)
    }
  })

  it('I14 tolerates RFC 822 with its zones', () => {
    for (const [written, expected] of [
      ['Wed, 03 Mar 2010 16:48:12 +0000', '2010-03-03T16:48:12.000Z'],
      ['Wed, 3 Mar 2010 16:48 EST', '2010-03-03T21:48:00.000Z'],
      ['03 March 10 16:48:12 GMT', '2010-03-03T16:48:12.000Z'],
      ['Wed, 03 Mar 2010 16:48:12', '2010-03-03T16:48:12.000Z'],
      ['Fri, 31 Dec 99 23:59:59 -0100', '2000-01-01T00:59:59.000Z']
    ]) {
      assert.equal(readDate(written)?.toISOString(), expected, written)
    }
  })

  it('I14 gives nothing for what is not a date', () => {
    for (const written of [
      '',
      'yesterday',
      '2024-13-01',
      '2024-01-32T00:00:00Z',
      '12',
      '2024-01-02T25:00:00Z',
      '3 Foo 2010 10:00',
      ' '.repeat(1e6),
      undefined
    ]) {
      assert.equal(readDate(written), undefined, written?.slice(0, 20))
    }
  })
})
