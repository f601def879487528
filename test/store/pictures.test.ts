import assert from 'node:assert/strict'
import { isId } from '../../src/model/ids.ts'
import { startTalk, type Talk } from '../support/talk.ts'

describe('the store of pictures', () => {
  let talk: Talk
  before(async () => {
    talk = await startTalk()
  })
  after(() => talk?.close())

  const url = (name: string | number) => `https://cdn.example/${name}.png`

  it('X25 gives each address one id, also to many who ask at once', async () => {
    const { clock, pictures } = talk.tools
    assert.deepEqual(await pictures.idsOf([], clock()), new Map())
    const all = await Promise.all(Array.from({ length: 8 }, () => pictures.idsOf([url('a'), url('b'), url('a')], clock())))
    for (const ids of all) assert.deepEqual(ids, all[0])
    const ids = [...all[0]!.values()]
    assert.deepEqual([ids.length, new Set(ids).size, ids.every(isId)], [2, 2, true])
    assert.deepEqual(await pictures.find(all[0]!.get(url('a'))!), { id: all[0]!.get(url('a')), url: url('a') })
    assert.equal(await pictures.find('none'), undefined)
  })

  it('forgets the bodies that nobody asked for longest', async () => {
    const { clock, pictures } = talk.tools
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      const id = (await pictures.idsOf([url(n)], clock())).get(url(n))!
      ids.push(id)
      await pictures.change(id, { body: Buffer.alloc(100), type: 'image/png', etag: 'x', fetchedAt: clock(), usedAt: clock() })
      talk.pass(1000)
    }
    await pictures.touch(ids[0]!, clock())
    await pictures.shrink(250)
    const kept = await Promise.all(ids.map(async id => (await pictures.find(id))?.body !== undefined))
    assert.deepEqual(kept, [true, false, false, false, true])
  })
})
