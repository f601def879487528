/** `mastodon connect`, `mastodon status`, `mastodon disconnect`: where the toots of a blog go. */
import { beginConnection, disconnect, findStanding, finishConnection, handleOf, type Standing } from '../federation/connect.ts'
import type { Account } from '../model/kept.ts'
import { actingAccount, type Command, flag, orNull, printList, value } from './command.ts'

export const mastodonConnect: Command = {
  words: 'mastodon connect',
  usage: 'HOST [--as NAME] [--wide]',
  summary: 'lets an account toot: prints an address to open, and takes the code that you get there (--wide: all reading and writing)',
  options: { as: value, wide: flag },
  takes: [1, 1],
  async run(tools, args, out) {
    const { json, positionals, wide = false } = args
    const account = await actingAccount(tools, args)
    const { codeAddress, narrow, scope, server, state } = await beginConnection(tools, account, positionals[0] ?? '', { wide })
    const { host } = new URL(server)
    out.progress(
      `Open this address in a browser and allow it: ${host} shows a code. Permissions: ${scope}${narrow ? '' : ', as it takes no fewer'}.`
    )
    out.print(json ? JSON.stringify({ authorize: codeAddress, scope }) : codeAddress)
    const connection = await finishConnection(tools, { state, code: await out.ask('Code: '), typed: true })
    const { username, scope: given } = connection
    const connected = { host: connection.host, username: orNull(username), scope: orNull(given) }
    out.print(json ? JSON.stringify({ connected }) : `${account.localName} toots as ${handleOf(connection)} from now on.`)
    return 0
  }
}

export const mastodonStatus: Command = {
  words: 'mastodon status',
  usage: '',
  summary: 'shows which accounts are connected, and how many toots wait',
  takes: [0, 0],
  async run(tools, args, out) {
    const accounts = await tools.actors.accounts()
    const list = await Promise.all(accounts.map(async account => ({ account, standing: await findStanding(tools, account) })))
    const none = 'There is no account yet: make one with `tidings account add NAME`.'
    printList(out, args, list, none, asObject, ({ account, standing }) => [
      account.localName,
      describe(standing),
      `${standing.waiting} waiting`
    ])
    return 0
  }
}

export const mastodonDisconnect: Command = {
  words: 'mastodon disconnect',
  usage: '[--as NAME]',
  summary: 'forgets the connection of an account, and takes its token back',
  options: { as: value },
  takes: [0, 0],
  async run(tools, args, out) {
    const account = await actingAccount(tools, args)
    const connection = await disconnect(tools, account)
    const sentence = `${account.localName} toots as ${handleOf(connection)} no more.`
    out.print(args.json ? JSON.stringify({ disconnected: connection.host }) : sentence)
    return 0
  }
}

function describe({ connection, from, shadowed }: Standing): string {
  if (connection === undefined) return 'not connected'
  const how = from === 'settings' ? ', by the settings' : shadowed === undefined ? '' : ', not as the settings say'
  const state = connection.state === 'revoked' ? ', refused: connect again' : ''
  return `${handleOf(connection)}${how}${state}`
}

const asObject = ({ account, standing: { connection, from, waiting } }: { account: Account; standing: Standing }) => ({
  account: account.localName,
  ...{ host: orNull(connection?.host), username: orNull(connection?.username), scope: orNull(connection?.scope) },
  ...{ state: orNull(connection?.state), error: orNull(connection?.error), from: orNull(from), waiting }
})
