/** The origin under which the node is known: kept at the first start, and held against the settings ever after (interface.md 1). */
import { Refused } from '../model/errors.ts'
import type { Stores, Tools } from '../tools.ts'
import { tellProfile } from './profile.ts'

/**
 * Before anything starts: keeps the origin of the settings, or holds it against the one that is kept. From a loopback origin nothing
 * has left for the world, so what was made under it is rewritten, and hubs are asked anew with our new callbacks.
 * @throws Refused when what has been published names another origin
 */
export async function settleOrigin(tools: Tools): Promise<void> {
  const { addresses, clock, config, log, transaction } = tools
  await transaction(async stores => {
    const known = await stores.settings.find<string>('origin')
    if (known !== undefined && isSame(known, config.publicUrl)) return settleHandles(tools, stores)
    if (known !== undefined && !isLoopback(known)) {
      throw new Refused(
        `This node is known as ${known}, but PUBLIC_URL says ${config.publicUrl}. What it has published names ${known}: set PUBLIC_URL ` +
          'back to it. To move a node to another origin is the work of `tidings move-origin`, which comes with a later version.'
      )
    }
    if (known !== undefined) {
      if (await stores.settings.runsElsewhere(config.publicUrl)) {
        throw new Refused(`This node runs already, as ${known}: stop it first, or give this one a DATA_DIR (or DATABASE_URL) of its own.`)
      }
      await stores.actors.moveOrigin(known, config.publicUrl, addresses.handleHost)
      await stores.history.moveOrigin(known, config.publicUrl)
      await stores.acts.moveOrigin(known, config.publicUrl)
      await askHubsAnew(stores, clock())
      // what stands between the node and the world is new
      await stores.queue.add('doctor', {})
      log.info({ from: known, to: config.publicUrl }, 'moved to another origin')
    }
    await stores.settings.keep('origin', config.publicUrl)
  })
}

/** HANDLE_HOST may change at any time: it is no part of an address, and the old handles are still answered for. Followers are told. */
async function settleHandles(tools: Tools, stores: Stores): Promise<void> {
  const { addresses, log } = tools
  const { handleHost } = addresses
  const { actors, changes } = stores
  if (!(await actors.moveHandles(handleHost.toLowerCase()))) return
  await changes.tell('accounts')
  for (const account of await actors.accounts()) await tellProfile(tools, stores, account)
  log.info({ handles: `@${handleHost}` }, 'the accounts have other handles from now on')
}

/**
 * For commands, which may run beside a node: whoever calls one with other settings than the node's is told so, and changes nothing.
 * @throws Refused when the origin of the settings is not the node's
 */
export async function requireOrigin({ config, settings }: Pick<Tools, 'config' | 'settings'>): Promise<void> {
  const known = await settings.find<string>('origin')
  if (known === undefined) return settings.keep('origin', config.publicUrl)
  if (isSame(known, config.publicUrl)) return
  throw new Refused(
    `The node is ${known}, but the settings of this command say ${config.publicUrl}: call it with the PUBLIC_URL and PORT of the node. ` +
      'If they have changed, start the node first.'
  )
}

/** http and https of one host are aliases, not a change. */
const isSame = (one: string, other: string) => new URL(one).host === new URL(other).host

const isLoopback = (origin: string) => /^(127(\.\d+){3}|\[::1\]|(.+\.)?localhost)$/.test(new URL(origin).hostname)

async function askHubsAnew({ subscriptions }: Stores, now: Date): Promise<void> {
  for (const { hub, id, state } of await subscriptions.all()) {
    if (hub === undefined || ['ending', 'ended', 'gone'].includes(state)) continue
    await subscriptions.change(id, { state: 'polling', askAt: now, askFailures: 0, pollAt: now, expiresAt: null })
  }
}
