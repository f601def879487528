import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BadMessage } from '../../src/model/errors.ts'
import { readHandle, readSubject, writeAcct } from '../../src/protocol/acct.ts'

const acctOf = (input: string): string | undefined => {
  const handle = readHandle(input)
  return handle.kind === 'acct' ? handle.acct : undefined
}

describe('acct', () => {
  const spellings: [input: string, acct: string][] = [
    ['ann@a.example', 'ann@a.example'],
    ['@ann@a.example', 'ann@a.example'],
    ['acct:ann@a.example', 'ann@a.example'],
    ['ACCT:Ann@A.Example', 'ann@a.example'],
    ['  acct:ann@a.example\n', 'ann@a.example'],
    ['ann@a.example.', 'ann@a.example'],
    ['ann@a.example:443', 'ann@a.example'],
    ['ann@a.example:8443', 'ann@a.example:8443'],
    ['ann@127.0.0.1:3001', 'ann@127.0.0.1:3001'],
    ['ann@[::1]:3001', 'ann@[::1]:3001'],
    ['ann@zetsubou.みんな', 'ann@zetsubou.xn--q9jyb4c'],
    ['ann@zetsubou.XN--Q9JYB4C', 'ann@zetsubou.xn--q9jyb4c'],
    ['ann@a．example', 'ann@a.example'],
    ['ann@a。example', 'ann@a.example'],
    ['ann@ａ.example', 'ann@a.example'],
    ['%61nn@a.example', 'ann@a.example'],
    ['j%C3%BCrgen@a.example', 'jürgen@a.example']
  ]
  for (const [input, acct] of spellings) it(`D1 X13 reads ${JSON.stringify(input)} as ${acct}`, () => assert.equal(acctOf(input), acct))

  const refused = [
    ['two at signs', 'a@b@c'],
    ['a host with an at sign in it', 'acct:ann@a.example@evil.example'],
    ['nothing', ''],
    ['a lone at sign', '@'],
    ['a host without a user', '@a.example'],
    ['a user without a host', 'ann@'],
    ['a word', 'ann'],
    ['a name of 300 characters', `${'a'.repeat(300)}@a.example`],
    ['a host of 300 characters', `ann@${'a.'.repeat(150)}example`],
    ['a slash in the name', 'a/n@a.example'],
    ['an encoded slash in the name', 'a%2Fn@a.example'],
    ['an encoded at sign in the name', 'ann%40evil.example@a.example'],
    ['an at sign that was encoded twice', 'ann%2540evil.example@a.example'],
    ['a question mark in the name', 'a%3Fn@a.example'],
    ['a bad escape in the name', 'a%zzn@a.example'],
    ['white space in the name', 'a nn@a.example'],
    ['an encoded line break in the name', 'ann%0A@a.example'],
    ['a mark that turns the direction of writing', 'ann\u202e@a.example'],
    ['another scheme', 'mailto:ann@a.example'],
    ['a tab in the host', 'ann@a.ex\tample'],
    ['a backslash in the host', 'ann@a.example\\.evil.example'],
    ['a path after the host', 'ann@a.example/x'],
    ['an escape in the host', 'ann@a%2Eexample'],
    ['a full-width percent sign in the host', 'ann@a.example％00'],
    ['a full-width at sign in the host', 'ann@evil＠a.example'],
    ['two dots at the end of the host', 'ann@a.example..'],
    ['an empty label in the host', 'ann@a..example'],
    ['a port out of range', 'ann@a.example:70000'],
    ['a port that is no number', 'ann@a.example:80x'],
    ['a web address with a password', 'https://u:p@a.example/'],
    ['a web address with a backslash', 'https:\\\\a.example/'],
    ['a web address without a host', 'https://'],
    ['a web address of 3000 characters', `https://a.example/${'x'.repeat(3000)}`]
  ]
  for (const [what, input] of refused) it(`D1 X13 refuses ${what}`, () => assert.throws(() => readHandle(input!), BadMessage))

  it('D1 keeps the case of a name for the question and lowers it in the key', () =>
    assert.deepEqual(readHandle('acct:Skruyb@Mamot.fr'), { kind: 'acct', user: 'Skruyb', host: 'mamot.fr', acct: 'skruyb@mamot.fr' }))

  it('D1 reads a web address, without its fragment and with one form of its host', () => {
    assert.deepEqual(readHandle(' HTTPS://A.Example.:443/@Ann#top '), { kind: 'url', url: 'https://a.example/@Ann' })
    assert.deepEqual(readHandle('http://127.0.0.1:3001/users/ann'), { kind: 'url', url: 'http://127.0.0.1:3001/users/ann' })
  })

  const subjects: [subject: string | undefined, name: string | undefined][] = [
    ['acct:Ann@a.example', 'ann@a.example'],
    ['ann@a.example', 'ann@a.example'],
    ['acct%3Aann%40a.example', 'ann@a.example'],
    ['acct%253Aann%2540a.example', 'ann@a.example'],
    ['https%3A%2F%2Fa.example%2Fann', 'https://a.example/ann'],
    ['acct%25253Aann%252540a.example', undefined],
    ['tag:a.example,2020:ann', undefined],
    ['acct%ZZ%40', undefined],
    [undefined, undefined]
  ]
  for (const [subject, name] of subjects) {
    it(`D8 understands the subject ${subject} as ${name}`, () => {
      const handle = readSubject(subject)
      assert.equal(handle?.kind === 'acct' ? handle.acct : handle?.url, name)
    })
  }

  it('D1 makes the round trip', () =>
    fc.assert(
      fc.property(fc.stringMatching(/^[\w.~!$&'()*+,;=é-]{1,40}$/u), fc.domain(), (user, host) => {
        const handle = readHandle(writeAcct({ user, host }))
        assert.deepEqual(handle, { kind: 'acct', user, host: host.toLowerCase(), acct: `${user}@${host}`.toLowerCase() })
      })
    ))

  it('X13 fails with BadMessage only, whatever is written', () =>
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.tuple(fc.string(), fc.string()).map(parts => parts.join('@')),
          fc.webUrl()
        ),
        input => {
          try {
            const handle = readHandle(input)
            if (handle.kind === 'acct') assert.equal(acctOf(handle.acct), handle.acct)
          } catch (error) {
            assert.ok(error instanceof BadMessage)
          }
        }
      )
    ))
})
