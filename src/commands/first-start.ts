/** What a start settles before anybody is answered: the origin, and the first account. */
import { addAccount } from '../federation/accounts.ts'
import { setBlog } from '../federation/blog.ts'
import { settleOrigin } from '../federation/origin.ts'
import { isSetUp, makeSignInAddress } from '../federation/sign-in.ts'
import { isFailure, Refused } from '../model/errors.ts'
import type { Tools } from '../tools.ts'

/** @throws Refused when the origin of the settings is not the one under which the node is known */
export async function prepareNode(tools: Tools): Promise<void> {
  await settleOrigin(tools)
  if ((await tools.actors.accounts()).length > 0) return giveBlog(tools)
  const { account, blogUrl } = tools.config
  try {
    await addAccount(tools, account, blogUrl === undefined ? {} : { blog: blogUrl })
    tools.log.info({ account: tools.addresses.handle(account) }, 'made the first account')
  } catch (error) {
    // Another process of this node was quicker; or the owner has closed that account.
    if (!(error instanceof Refused && error.code === 'taken')) throw error
  }
}

/**
 * While nobody has ever signed in, whoever started the node is told how, in a line.
 * @param tell past the log, which hides what opens doors
 */
export async function inviteOwner(tools: Tools, tell: (line: string) => void): Promise<void> {
  if (await isSetUp(tools)) return
  const address = await makeSignInAddress(tools)
  tell(`Set this node up: ${address} (works once, within 15 minutes; \`npx tidings signin\` prints another)`)
}

/** BLOG_URL that was set later, or changed. A mistake in it must not stop the node. */
async function giveBlog(tools: Tools): Promise<void> {
  const { actors, blogs, config, log } = tools
  const account = config.blogUrl === undefined ? undefined : await actors.findAccount(config.account)
  if (config.blogUrl === undefined || account === undefined) return
  const known = await blogs.find(account.id)
  if (known?.url === config.blogUrl) return
  try {
    await setBlog(tools, account, config.blogUrl)
    log.info({ account: account.acct, blog: config.blogUrl }, 'the account has this blog from now on')
  } catch (error) {
    if (!isFailure(error)) throw error
    log.warn({ blog: config.blogUrl, why: error.message }, 'BLOG_URL cannot be used')
  }
}
