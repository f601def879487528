import assert from 'node:assert/strict'
import { hashPassphrase, matchesPassphrase } from '../../src/model/passphrase.ts'

describe('a passphrase as it is kept', () => {
  it('X50 is told by what was kept, which differs each time and tells nothing of it', async () => {
    const [one, other] = [await hashPassphrase('eight grey geese'), await hashPassphrase('eight grey geese')]
    assert.notEqual(one, other)
    assert.match(one, /^scrypt\$15\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
    assert.equal(await matchesPassphrase('eight grey geese', one), true)
    assert.equal(await matchesPassphrase('eight grey gees', one), false)
    assert.equal(await matchesPassphrase('', one), false)
    assert.equal(await matchesPassphrase('eight grey geese', undefined), false)
  })

  it('X50 is told also when it was kept with other parameters, and a damaged one is a defect', async () => {
    const kept = 'scrypt$10$8$1$AAAAAAAAAAAAAAAAAAAAAA$7Y0v4Z9bqk3pXk2yqQm6W8r5m0Zl0c1d2e3f4g5h6i8'
    assert.equal(await matchesPassphrase('x', kept), false)
    await assert.rejects(matchesPassphrase('x', 'md5$x'), /damaged/)
  })

  it('is one passphrase on keyboards that write the same letter in different ways', async () => {
    assert.equal(await matchesPassphrase('gru\u0308ne G\u00e4nse', await hashPassphrase('gr\u00fcne Ga\u0308nse')), true)
  })
})
