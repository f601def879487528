/** Old posts, from the page: looked at, imported by a job, and how far it is. */
import assert from 'node:assert/strict'
import { findAccount } from '../../src/federation/accounts.ts'
import { beginImport, runImport } from '../../src/federation/import-run.ts'
import { jobsSchema } from '../../src/store/migrations.ts'
import { type Answer, type Visitor, visitor } from '../support/browser.ts'
import { BLOG, type BlogNode, DAY, MINUTE, startBlog } from '../support/written-blog.ts'

const PATH = '/settings/blog/old'

describe('the page of old posts', function () {
  this.timeout(20_000)
  let blog: BlogNode
  let owner: Visitor & { csrf: string }

  const start = async (env: Record<string, string> = {}) => {
    blog = await startBlog(env)
    const { csrf, token } = await blog.tools.sessions.begin(blog.date())
    const browser = visitor({ url: `http://${blog.node.host}` }, `tidings_session=${token}`)
    owner = { ...browser, csrf, post: (path, form) => browser.post(path, form, { origin: blog.tools.config.publicUrl }) }
  }
  afterEach(() => blog.close())
  const press = (how: 'look' | 'import', source = 'sitemap') => owner.post(PATH, { csrf: owner.csrf, as: 'blog', how, source })
  const jobs = async () => (await blog.knex(`${jobsSchema}.job`).where({ name: 'blog.import' })).length
  const run = () => runImport(blog.tools, blog.account.id)
  const kept = async () => (await blog.tools.blogs.find(blog.account.id))?.oldImport
  const says = ({ status, text }: Answer, expected: number, words: RegExp) => {
    assert.equal(status, expected, text)
    assert.match(text.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' '), words)
  }
  const old = (count: number) =>
    Array.from({ length: count }, (_, n) => ({ path: `2020/${n}`, title: `Post ${n}`, date: blog.date(-900 * DAY) }))

  it('6.1-5 lists what would be taken and what not, changes nothing, then marks all of it as old', async () => {
    await start({ BLOG_POST_PATTERN: '^https://blog\\.example/2020/' })
    await blog.open([])
    blog.sitemap([...old(412).map(({ path }) => path), 'about', 'tags'])
    says(await owner.get(PATH), 200, /BLOG_POST_PATTERN takes: .*Look first Import/)
    assert.deepEqual([(await press('look')).location, await jobs()], [`${PATH}?as=blog`, 1])
    const waiting = await owner.get(PATH)
    says(waiting, 200, /Reading…/)
    assert.match(waiting.text, /data-again[\s\S]*<progress /)
    await run()
    const looked = await owner.get(PATH)
    says(
      looked,
      200,
      /414 addresses, of which 412 are posts: 412 would be marked as old\. .*412 posts .*… and 312 more\..*2 addresses that are no posts https:\/\/blog\.example\/about/
    )
    assert.doesNotMatch(looked.text, /data-again/)
    assert.equal(await blog.count('toots'), 0)
    await press('import')
    await run()
    says(await owner.get(PATH), 200, /412 are marked as old now\./)
    assert.equal(await blog.count('toots'), 412)
    await press('import')
    await run()
    says(await owner.get(PATH), 200, /0 are marked as old now, 412 were known before\./)
    says(await owner.get('/setup/next'), 200, /Import old posts .?✓?.*done/)
  })

  it('6.1 says that a pattern takes nothing', async () => {
    await start({ BLOG_POST_PATTERN: '^https://blog\\.example/none/' })
    await blog.open([])
    blog.sitemap(['a', 'b'])
    await press('look')
    await run()
    says(await owner.get(PATH), 200, /2 addresses, of which 0 are posts.*The pattern takes none of these addresses/)
  })

  it('6.1-5 reads the feed where there is no sitemap, and tells what cannot be read', async () => {
    await start()
    says(await owner.get(PATH), 200, /No account has a blog yet/)
    says(await press('look'), 404, /This account has no blog/)
    blog.net.set(`${BLOG}sitemap.xml`, { status: 404 })
    await blog.open([])
    blog.feed(old(3))
    await blog.tools.blogs.change(blog.account.id, { sitemapUrl: null })
    says(await press('look'), 404, /No sitemap of the blog was found/)
    says(await press('look', 'elsewhere'), 400, /from the sitemap or from the feed/)
    await press('import', 'feed')
    await run()
    says(await owner.get(PATH), 200, /3 addresses, of which 3 are posts: 3 are marked as old now/)
    blog.net.set(`${BLOG}feed.xml`, { status: 500 })
    await press('import', 'feed')
    await run()
    says(await owner.get(PATH), 200, /The feed answered 500\./)
    assert.equal((await kept())?.state, 'failed')
  })

  it('W10 does nothing twice when it is pressed twice, and may be begun again when it has died', async () => {
    await start()
    await blog.open([])
    blog.sitemap(['a'])
    await press('import')
    await press('import')
    assert.equal(await jobs(), 1)
    blog.pass(11 * MINUTE)
    says(await owner.get(PATH), 200, /It stopped without a word/)
    await press('import')
    assert.equal(await jobs(), 2)
    await run()
    // the one that was given up comes back, and finds it done
    await run()
    assert.equal((await kept())?.state, 'done')
    assert.equal(await blog.count('toots'), 1)
  })

  it('W10 goes on with a job whose worker died in the middle', async () => {
    await start()
    await blog.open([])
    blog.sitemap(old(1200).map(({ path }) => path))
    await press('import')
    let asked = 0
    const dying = {
      ...blog.tools,
      transaction: ((work: never) =>
        ++asked > 1 ? Promise.reject(new Error('gone')) : blog.tools.transaction(work)) as typeof blog.tools.transaction
    }
    await assert.rejects(runImport(dying, blog.account.id), /gone/)
    assert.equal(await blog.count('toots'), 500)
    await run()
    assert.equal(await blog.count('toots'), 1200)
    const { done, fresh, state } = (await kept())!
    assert.deepEqual([state, done, fresh], ['done', 1200, 700])
  })

  it('X41 shows addresses as text, and leads to none that runs', async () => {
    await start()
    await blog.open([])
    await beginImport(blog.tools, await findAccount(blog.tools, 'blog'), { source: 'sitemap', rehearsal: true })
    const run = (await kept())!
    const evil = ['javascript:alert(1)', 'https://blog.example/"><script>alert(1)</script>', 'data:text/html,x']
    await blog.tools.blogs.keepImport(blog.account.id, {
      ...{ ...run, state: 'done', found: 6, done: 3, taken: evil, passed: evil },
      unread: [{ url: evil[1]!, why: '<script>' }]
    })
    assert.doesNotMatch((await owner.get(PATH)).text, /<script(?! type="module" src="\/page)|="javascript:|="data:/)
  })
})
