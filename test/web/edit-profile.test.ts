/** The page on which the owner says how an account is called. */
import assert from 'node:assert/strict'
import { signIn, type Visitor, visitor } from '../support/browser.ts'
import { startNode, type TestNode } from '../support/node.ts'
import { accountOf } from '../support/residents.ts'

const PATH = '/settings/profile'

describe('the page of the profile', () => {
  let node: TestNode
  let owner: Visitor & { csrf: string }
  before(async () => {
    node = await startNode({ accounts: ['ann', 'zoe'], work: false })
    owner = await signIn(node)
  })
  after(() => node.close())

  const save = (form: Record<string, string>) => owner.post(PATH, { csrf: owner.csrf, as: 'ann', ...form })

  it('S2b changes name and bio, says who hears of it, and shows them on the profile', async () => {
    const saved = await save({ title: '  Ann\n of the\u202e river ', bio: 'Writes.\r\n\r\nReads.\0' })
    assert.deepEqual([saved.status, saved.location], [303, `${PATH}?as=ann&saved=told`])
    const { bio, displayName } = await accountOf(node.tools, 'ann')
    assert.deepEqual([displayName, bio], ['Ann of the river', 'Writes.\n\nReads.'])
    const page = await owner.get(saved.location!)
    assert.match(page.text, /Saved\. Everybody who follows is told\./)
    assert.match(page.text, /value="Ann of the river"[\s\S]*>Writes\.\n\nReads\.<\/textarea>/)
    assert.match((await visitor(node).get('/users/ann')).text, /Ann of the river[\s\S]*Writes\./)
    assert.equal((await save({ title: 'Ann of the river', bio: 'Writes.\n\nReads.' })).location, `${PATH}?as=ann&saved=same`)
    assert.equal((await accountOf(node.tools, 'zoe')).displayName, 'zoe')
  })

  it('calls an account without a title by its name, and takes an empty bio away', async () => {
    await save({ title: ' ', bio: '' })
    const { bio, displayName } = await accountOf(node.tools, 'ann')
    assert.deepEqual([displayName, bio], ['ann', undefined])
  })

  it('X41 keeps on the page what is too long, and what is hostile is text', async () => {
    const answer = await save({ title: '"><script>x</script>', bio: `</textarea><script>${'x'.repeat(600)}` })
    assert.equal(answer.status, 400)
    assert.match(answer.text, /A bio has at most 500 characters\./)
    assert.doesNotMatch(answer.text, /<script>x/)
    assert.match(answer.text, /&lt;\/textarea&gt;&lt;script&gt;xxx/)
    assert.equal((await accountOf(node.tools, 'ann')).displayName, 'ann')
    assert.equal((await save({ as: 'nobody', title: 'x', bio: '' })).status, 404)
  })

  it('S2b speaks German to who reads German', async () => {
    const { text } = await owner.get(PATH, { 'accept-language': 'de' })
    assert.match(text, /<h1>Profil<\/h1>[\s\S]*Über dich/)
  })
})
