/**
 * Gathers what comes while the last batch is being written, and writes it as one: so many small commits become few. Each caller
 * gets its answer when its batch is done, and fails with it.
 * @param most size of a batch @param write takes the items in the order in which they came
 */
export function makeBatch<Item>(most: number, write: (items: Item[]) => Promise<void>) {
  let waiting: { item: Item; done: () => void; failed: (error: unknown) => void }[] = []
  let busy = false
  const go = async () => {
    busy = true
    while (waiting.length > 0) {
      const now = waiting.slice(0, most)
      waiting = waiting.slice(most)
      try {
        await write(now.map(one => one.item))
        for (const one of now) one.done()
      } catch (error) {
        for (const one of now) one.failed(error)
      }
    }
    busy = false
  }
  return (item: Item): Promise<void> =>
    new Promise((done, failed) => {
      waiting.push({ item, done, failed })
      if (!busy) go()
    })
}

/**
 * Looks up by name, for all who ask while the last answer is on its way in one query. Nothing is remembered: everybody is told what
 * holds when he asks, or later.
 */
export function makeFinder<Thing>(most: number, find: (names: string[]) => Promise<Map<string, Thing>>) {
  const ask = makeBatch<{ name: string; found?: Thing | undefined }>(most, async list => {
    const found = await find([...new Set(list.map(one => one.name))])
    for (const one of list) one.found = found.get(one.name)
  })
  return async (name: string): Promise<Thing | undefined> => {
    const one: { name: string; found?: Thing | undefined } = { name }
    await ask(one)
    return one.found
  }
}
