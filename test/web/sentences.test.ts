import assert from 'node:assert/strict'
import { makeTeller } from '../../src/web/sentences.ts'
import { textsOf } from '../../src/web/texts.ts'

describe('sentences of the code in another language', () => {
  const tell = makeTeller({
    'There is nothing here.': 'Hier ist nichts.',
    '{host} did not answer in time.': '{host} hat nicht rechtzeitig geantwortet.',
    '{host} did not answer {what}': '{host} hat auf {what} nicht geantwortet',
    'The blog did not answer: {why}': 'Das Blog hat nicht geantwortet: {why}',
    'Try again in {wait}.': 'Versuch es in {wait} noch einmal.'
  })

  it('S2b are told with their parts, and a part that is a sentence too', () => {
    assert.equal(tell('There is nothing here.'), 'Hier ist nichts.')
    assert.equal(tell('a.example did not answer in time.'), 'a.example hat nicht rechtzeitig geantwortet.')
    assert.equal(
      tell('The blog did not answer: a.example did not answer in time.'),
      'Das Blog hat nicht geantwortet: a.example hat nicht rechtzeitig geantwortet.'
    )
    assert.equal(tell('There is nothing here. Try again in 5 minutes.'), 'Hier ist nichts. Versuch es in 5 minutes noch einmal.')
  })

  it('S2b stay as they are when nobody has translated them, and in English', () => {
    assert.equal(tell('Something new.'), 'Something new.')
    assert.equal(textsOf('en').tell('There is nothing here.'), 'There is nothing here.')
    assert.equal(textsOf('de').tell('There is nothing here.'), 'Hier ist nichts.')
  })

  it('X34 X41 what somebody else wrote neither takes long nor becomes anything but text', () => {
    for (const part of ['{what}', '$&', '$1', ' did not answer ', 'x'.repeat(1_000_000), ' did not answer '.repeat(60_000)])
      tell(`${part} did not answer ${part}`)
    assert.equal(tell('$& did not answer {host}'), '$& hat auf {host} nicht geantwortet')
  })
})
