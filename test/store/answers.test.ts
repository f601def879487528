import assert from 'node:assert/strict'
import { pageKey } from '../../src/protocol/blog-address.ts'
import { PAGE, startTalk, type Talk } from '../support/talk.ts'

describe('the store of answers', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk()
  })
  after(() => talk?.close())

  it('keeps a thread as it is told: new, changed, gone', async () => {
    const { answerOf, keepAnswers, tools } = talk
    const { key } = await talk.toot()
    const [one, two] = [answerOf('bob', { language: 'en' }), answerOf('carol', { parentId: '7' })]
    await keepAnswers([two, one])
    assert.deepEqual(await tools.answers.find(key), [one, two])
    const changed = { ...two, html: '<p>new</p>', updated: new Date('2026-03-02T00:00:00Z') }
    await keepAnswers([changed])
    assert.deepEqual(await tools.answers.find(key), [changed])
    await keepAnswers([{ ...two, html: '<p>old</p>' }])
    assert.equal((await tools.answers.find(key))[0]!.html, '<p>old</p>')
    await keepAnswers([])
    assert.deepEqual(await tools.answers.find(key), [])
  })

  it('forgets what an answer no longer has', async () => {
    const { answerOf, keepAnswers, tools } = talk
    const one = answerOf('bob', { parentId: '7', language: 'en', updated: new Date() })
    await keepAnswers([one])
    const { parentId: _parent, language: _language, updated: _updated, ...bare } = one
    await keepAnswers([bare])
    assert.deepEqual(await tools.answers.find((await talk.toot()).key), [bare])
  })

  it('finds one by URI, address or id, with its toot', async () => {
    const { answerOf, keepAnswers, tools } = talk
    const one = answerOf('bob')
    await keepAnswers([one])
    const { key } = await talk.toot()
    for (const name of [one.uri, one.url, one.id]) assert.deepEqual(await tools.answers.findByAddress(name), { ...one, toot: key })
    assert.equal(await tools.answers.findByAddress(''), undefined)
  })

  it('keeps each reaction of each person once, and those of now alone', async () => {
    const { personOf, tools } = talk
    const { key } = await talk.toot()
    const bob = { verb: 'favourite' as const, person: personOf('bob') }
    const carol = { verb: 'share' as const, person: personOf('carol') }
    await tools.answers.keepReactions(key, [bob, bob, carol, { ...bob, verb: 'share' }])
    assert.equal((await tools.answers.reactions(key)).length, 3)
    await tools.answers.keepReactions(key, [carol])
    assert.deepEqual(await tools.answers.reactions(key), [carol])
    await tools.answers.keepReactions(key, [])
    assert.deepEqual(await tools.answers.reactions(key), [])
  })

  it('goes along when the blog post gets another address', async () => {
    const { answerOf, keepAnswers, tools } = talk
    const one = answerOf('bob')
    await keepAnswers([one])
    const { key } = await talk.toot()
    await tools.transaction(({ blogs }) => blogs.moveEntry(key, { key: 'blog.example/moved/', url: 'https://blog.example/moved/' }))
    assert.deepEqual(await tools.answers.find('blog.example/moved/'), [one])
    assert.equal((await tools.toots.findByPage([pageKey(PAGE)]))?.key, 'blog.example/moved/')
  })
})
