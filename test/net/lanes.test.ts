import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeLanes } from '../../src/net/lanes.ts'

type Sending = { who: string; answer: (busy?: boolean) => void }

/** Lanes with a clock that stands still, and a host that answers when the test says so. */
function lanesAt(start = 1_000) {
  const time = { now: start }
  const lanes = makeLanes(() => time.now)
  const sending: Sending[] = []
  const done: string[] = []
  const send = (host: string, who: string, late = false) =>
    lanes
      .run(host, late, () => new Promise(tell => void sending.push({ who, answer: (busy = false) => tell({ busy }) })))
      .then(took => {
        done.push(who)
        return took
      })
  /** Lets what was answered be heard. */
  const settle = () => sleep(0)
  const answerAll = async (busy = false) => {
    for (const one of sending.splice(0)) one.answer(busy)
    await settle()
  }
  /** Lets the lanes look at their watch, which they do every 50 ms. */
  const look = () => sleep(120)
  return { time, lanes, sending, done, send, settle, answerAll, look }
}

const many = (count: number) => Array.from({ length: count }, (_, at) => `${at}`)

describe('lanes', () => {
  it('H8 sends two at a time to a new host, and one more after each quick answer, up to 64', async () => {
    const { answerAll, sending, send } = lanesAt()
    for (const who of many(500)) send('a.example', who)
    const widths: number[] = []
    for (let round = 0; round < 7; round++) {
      widths.push(sending.length)
      await answerAll()
    }
    assert.deepEqual(widths, [2, 4, 8, 16, 32, 64, 64])
  })

  it('H8 halves the number when the host fails, once for those that fail together', async () => {
    const { answerAll, sending, send, time } = lanesAt()
    for (const who of many(500)) send('a.example', who)
    for (let round = 0; round < 5; round++) await answerAll()
    assert.equal(sending.length, 64)
    await answerAll(true)
    assert.equal(sending.length, 32)
    time.now += 600
    sending.shift()!.answer(true)
    await answerAll()
    assert.ok(sending.length >= 16)
    for (let round = 0; round < 10; round++) {
      time.now += 600
      await answerAll(true)
    }
    assert.equal(sending.length, 2)
  })

  it('H8 keeps hosts apart: one that does not answer holds up no other', async () => {
    const { sending, send, settle, done } = lanesAt()
    for (const who of many(20)) send('hangs.example', `hangs ${who}`)
    const healthy = many(20).map(who => send('well.example', `well ${who}`))
    while (done.length < 20) {
      const at = sending.findIndex(one => one.who.startsWith('well'))
      assert.ok(at >= 0)
      sending.splice(at, 1)[0]!.answer()
      await settle()
    }
    await Promise.all(healthy)
    assert.equal(sending.length, 2)
  })

  it('H8 takes the place from a send that hangs, so that the healthy of the same host get theirs', async () => {
    const { lanes, look, sending, send, settle, time, done } = lanesAt()
    for (const who of ['hangs 1', 'hangs 2', 'well 1', 'well 2']) send('a.example', who)
    assert.deepEqual(
      sending.map(one => one.who),
      ['hangs 1', 'hangs 2']
    )
    time.now += 101
    await look()
    assert.deepEqual(
      sending.map(one => one.who),
      ['hangs 1', 'hangs 2', 'well 1', 'well 2']
    )
    assert.deepEqual(lanes.size(), { hosts: 1, active: 2, slow: 2 })
    for (const one of sending.splice(2)) one.answer()
    await settle()
    assert.deepEqual(done, ['well 1', 'well 2'])
    for (const one of sending.splice(0)) one.answer(true)
    await settle()
    assert.deepEqual(lanes.size(), { hosts: 0, active: 0, slow: 0 })
  })

  it('H8 begins those that were slow last time in a lane of their own, of 64', async () => {
    const { lanes, sending, send, answerAll } = lanesAt()
    for (const who of many(100)) send('a.example', `slow ${who}`, true)
    assert.equal(sending.length, 64)
    send('a.example', 'well')
    assert.equal(sending.at(-1)?.who, 'well')
    assert.deepEqual(lanes.size(), { hosts: 1, active: 1, slow: 64 })
    await answerAll()
    assert.equal(sending.length, 36)
  })

  it('H8 does not take a slow success for a quick one', async () => {
    const { answerAll, look, sending, send, time } = lanesAt()
    for (const who of many(6)) send('a.example', who)
    time.now += 150
    await look()
    assert.equal(sending.length, 4)
    time.now += 150
    await look()
    await answerAll()
    for (const who of many(6)) send('a.example', who)
    assert.equal(sending.length, 2)
  })

  it('H8 sends 256 at once in all, and gives free places to the hosts in turn', async () => {
    const { answerAll, lanes, sending, send, done } = lanesAt()
    const all = ['first', 'second'].flatMap(turn => many(300).map(host => send(`${host}.example`, `${host} ${turn}`)))
    assert.equal(sending.filter(one => one.who.endsWith('first')).length, 256)
    assert.deepEqual(lanes.size(), { hosts: 300, active: 256, slow: 0 })
    await answerAll()
    assert.equal(sending.filter(one => one.who.endsWith('first')).length, 44)
    assert.equal(sending.length, 256)
    while (done.length < 600) await answerAll()
    await Promise.all(all)
    assert.deepEqual(lanes.size(), { hosts: 0, active: 0, slow: 0 })
  })

  it('tells how long it took, also when the sender threw', async () => {
    const { lanes, time } = lanesAt()
    const took = await lanes.run('a.example', false, async () => {
      time.now += 1_234
      throw new Error('a defect')
    })
    assert.equal(took, 1_234)
    assert.deepEqual(lanes.size(), { hosts: 0, active: 0, slow: 0 })
  })
})
