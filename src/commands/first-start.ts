/** What a start settles before anybody is answered: the origin, and the first account. */
import { addAccount } from '../federation/accounts.ts'
import { settleOrigin } from '../federation/origin.ts'
import { Refused } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

/** @throws Refused when the origin of the settings is not the one under which the node is known */
export async function prepareNode(tools: Tools): Promise<void> {
  await settleOrigin(tools)
  if ((await tools.actors.accounts()).length > 0) return
  const { account, blogUrl } = tools.config
  try {
    await addAccount(tools, account, blogUrl === undefined ? {} : { blog: blogUrl })
    tools.log.info({ account: tools.addresses.handle(account) }, 'made the first account')
  } catch (error) {
    // Another process of this node was quicker; or the owner has closed that account.
    if (!(error instanceof Refused && error.code === 'taken')) throw error
  }
}
