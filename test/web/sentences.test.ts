import assert from 'node:assert/strict'
import { makeTeller } from '../../src/web/sentences.ts'
import { textsOf } from '../../src/web/texts.ts'

describe('sentences of the code in another language', () => {
  const tell = makeTeller({
    'There is nothing here.': 'Hier ist nichts.',
    '{host} did not answer in time.': '{host} hat nicht rechtzeitig geantwortet.',
    '{host} did not answer {what}': '{host} hat auf {what} nicht geantwortet',
    'The blog did not answer: {why}': 'Das Blog hat nicht geantwortet: {why}',
    'Try again in {wait}.': 'Versuch es in {wait} noch einmal.',
    'The feed {url} answers {status}.': 'Der Feed {url} antwortet {status}.',
    'This account, {name}, is {what}.': 'Dieses Konto, {name}, ist {what}.',
    'the feed': 'der Feed'
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

  it('S2b are told one by one before one of them takes the others for its part', () => {
    assert.equal(
      tell('Try again in 5 minutes. Try again in 1 hour.'),
      'Versuch es in 5 minutes noch einmal. Versuch es in 1 hour noch einmal.'
    )
    assert.equal(
      tell('The blog did not answer: There is nothing here. Try again in 5 minutes.'),
      'Das Blog hat nicht geantwortet: Hier ist nichts. Versuch es in 5 minutes noch einmal.'
    )
  })

  it('S2b are told without the full stop too, as they stand in others', () => {
    assert.equal(tell('The blog did not answer: There is nothing here'), 'Das Blog hat nicht geantwortet: Hier ist nichts')
    assert.equal(tell('This account, ann, is The feed a.example answers 404.'), 'Dieses Konto, ann, ist Der Feed a.example antwortet 404.')
  })

  it('S2b leave names as they are, and take for a number or an address only what is one', () => {
    assert.equal(tell('This account, the feed, is the feed.'), 'Dieses Konto, the feed, ist der Feed.')
    assert.equal(tell('The feed a.example answers 404.'), 'Der Feed a.example antwortet 404.')
    for (const other of ['The feed a.example answers late.', 'The feed and the hub answers 404.']) assert.equal(tell(other), other)
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
