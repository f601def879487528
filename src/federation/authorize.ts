/** The answer to a request to follow: always yes, as all that is sent to followers is public (protocols.md X6). */
import { newId } from '../model/ids.ts'
import type { Jobs, Tools } from '../tools.ts'
import { authorizeOut } from './entries.ts'
import { slap } from './slap.ts'

/** Tells somebody that they may follow, once for each time they asked; not those who have left or stopped in the meantime. */
export async function authorize(tools: Tools, { account, at, person, request }: Jobs['salmon.authorize']): Promise<void> {
  const { addresses, clock, transaction } = tools
  await transaction(async stores => {
    const [own, asker] = [await stores.actors.findAccount(account), await stores.actors.find(person)]
    if (own === undefined || asker === undefined || (await stores.follows.find(asker.id, own.id)) === undefined) return
    const now = clock()
    const entry = authorizeOut(own, asker, request, { id: addresses.act(account, newId(now.getTime())), at: now })
    await slap(stores, own, entry, [asker], { key: `authorize ${asker.id} ${at}` }, now)
  })
}
