import assert from 'node:assert/strict'
import { printable, WrongUsage } from '../../src/commands/command.ts'
import { chooseCommand } from '../../src/commands/commands.ts'

const textOf = (...line: string[]) => {
  const chosen = chooseCommand(line)
  return chosen.kind === 'text' ? chosen.text : assert.fail(`no text but ${chosen.kind}`)
}

describe('the command line', () => {
  it('without a word is start; --version and help need no node', () => {
    assert.deepEqual(chooseCommand([]), { kind: 'process', name: 'start', json: false })
    assert.deepEqual(chooseCommand(['migrate', '--json']), { kind: 'process', name: 'migrate', json: true })
    assert.deepEqual(chooseCommand(['--version']), { kind: 'version' })
    for (const name of ['account add', 'follow', 'hub drop', 'deliveries retry', 'worker'])
      assert.ok(textOf('help').includes(`  ${name}`), name)
    assert.match(textOf('help', 'follow'), /^Usage: tidings follow WHO \[--as NAME\] \[--hub URL\] \[--json\]\n {2}follows/)
    assert.equal(textOf('follow', '--help'), textOf('help', 'follow'))
    assert.match(textOf('help', 'account'), /account add[\s\S]*account list[\s\S]*account remove/)
    assert.match(textOf('help', 'deliveries', 'retry'), /deliveries retry ID/)
  })

  it('takes the longest command, and the options that it names', () => {
    const chosen = chooseCommand(['deliveries', 'retry', '7', '--json'])
    assert.ok(chosen.kind === 'command')
    assert.deepEqual([chosen.command.words, chosen.args], ['deliveries retry', { positionals: ['7'], json: true }])
    const publish = chooseCommand(['publish', '--text', 'Hello there', '--reply-to', 'https://a.example/1', '--as', 'ann'])
    assert.ok(publish.kind === 'command')
    assert.deepEqual(
      { ...publish.args },
      { positionals: [], json: false, text: 'Hello there', 'reply-to': 'https://a.example/1', as: 'ann' }
    )
  })

  it('refuses what is not of its form, with the usage of that command', () => {
    const refused = (line: string, usage: RegExp) =>
      assert.throws(
        () => chooseCommand(line.split(' ')),
        (error: Error) => error instanceof WrongUsage && usage.test(error.message)
      )
    refused('account add', /missing[\s\S]*Usage: tidings account add NAME/)
    refused('account add a b', /'b'[\s\S]*Usage: tidings account add/)
    refused('follow a@b.example --ass me', /--ass[\s\S]*Usage: tidings follow/)
    refused('history --limit', /Usage: tidings history/)
    refused('start now', /Usage: tidings start/)
    refused('account', /account add[\s\S]*account remove/)
    refused('--help nothing', /no command nothing/)
    refused('fallow a@b.example', /no command fallow/)
  })

  it('shows what would steer a terminal, in JSON too', () => {
    assert.equal(printable('a\u001b[2Jb\nc\u202e'), 'a\\u001b[2Jb\\u000ac\\u202e')
    const odd = { name: 'x\u009b1m\u2028' }
    assert.deepEqual(JSON.parse(printable(JSON.stringify(odd))), odd)
  })
})
