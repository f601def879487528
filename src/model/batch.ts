/**
 * Gathers what comes at once, and while the last batch is being written, and writes it as one: so many small commits become few.
 * Each caller gets its answer when its batch is done, and fails with it.
 * @param most size of a batch @param write takes the items in the order in which they came
 */
export function makeBatch<Item>(most: number, write: (items: Item[]) => Promise<void>) {
  let waiting: { item: Item; done: () => void; failed: (error: unknown) => void }[] = []
  let busy = false
  const go = async () => {
    while (waiting.length > 0) {
      const now = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        await write(now.map(one => one.item))
        for (const one of now) one.done()
      } catch (error) {
        for (const one of now) one.failed(error)
      }
      await tick()
    }
    busy = false
  }
  return (item: Item): Promise<void> =>
    new Promise((done, failed) => {
      waiting.push({ item, done, failed })
      if (busy) return
      busy = true
      tick().then(go)
    })
}

/** Until all that could go on has gone on: whoever was answered together comes again together. */
const tick = (): Promise<void> => new Promise(done => setImmediate(done))

/** A batch whose callers get something back: `find` answers one for each item, in their order. */
export function makeGatherer<Item, Found>(most: number, find: (items: Item[]) => Promise<Found[]>) {
  const ask = makeBatch<{ item: Item; found?: Found }>(most, async list => {
    const found = await find(list.map(one => one.item))
    for (const [index, one] of list.entries()) one.found = found[index]!
  })
  return async (item: Item): Promise<Found> => {
    const one: { item: Item; found?: Found } = { item }
    await ask(one)
    return one.found as Found
  }
}

/**
 * Looks up by name, for all who ask while the last answer is on its way in one query. Nothing is remembered: everybody is told what
 * holds when he asks, or later.
 */
export function makeFinder<Thing>(most: number, find: (names: string[]) => Promise<Map<string, Thing>>) {
  return makeGatherer<string, Thing | undefined>(most, async names => {
    const found = await find([...new Set(names)])
    return names.map(name => found.get(name))
  })
}
