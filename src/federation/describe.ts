/** Who an account of ours is, as WebFinger tells it: here, and in a file on a domain that ignores the query. */
import type { Descriptor } from '../model/activity.ts'
import type { Account } from '../model/kept.ts'
import { accountDescriptor } from '../protocol/descriptor.ts'
import { readMagicKey } from '../protocol/magic.ts'
import type { Tools } from '../tools.ts'

export function describeAccount({ addresses }: Pick<Tools, 'addresses'>, account: Account): Descriptor {
  const name = account.localName
  return accountDescriptor({
    ...{ handle: account.acct, uri: account.uri, profile: account.uri, feed: addresses.feed(name), salmon: addresses.salmon(name) },
    ...{ magicKey: readMagicKey(account.magicKey), subscribeTemplate: addresses.authorizeInteraction(), activityActor: account.uri },
    ...(account.avatar === undefined ? {} : { avatar: account.avatar.url })
  })
}
