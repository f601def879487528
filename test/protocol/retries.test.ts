import assert from 'node:assert/strict'
import { RETRY_PAUSES, retryPause } from '../../src/model/retries.ts'

describe('retries', () => {
  it('H8 tries nine times more, over about three days, and then gives up', () => {
    const middle = () => 0.5
    const pauses = RETRY_PAUSES.map((_, index) => retryPause(index + 1, middle))
    assert.deepEqual(pauses, [5e3, 3e4, 12e4, 6e5, 36e5, 216e5, 432e5, 864e5, 864e5])
    assert.equal(retryPause(10, middle), undefined)
  })

  it('H8 moves each pause by up to a fifth either way', () => {
    assert.equal(
      retryPause(1, () => 0),
      4000
    )
    assert.equal(
      retryPause(1, () => 0.999999),
      6000
    )
  })
})
