/** Many who look something up at the same time are answered by one query, and nobody is told what no longer holds. */
import { makeFinder } from '../model/batch.ts'
import type { Tools } from '../tools.ts'

const MOST_AT_ONCE = 400

/** The same tools, whose look-ups of people by name go out together. Not for use inside a transaction. */
export function askTogether(tools: Tools): Tools {
  const { actors } = tools
  const people = makeFinder(MOST_AT_ONCE, names => actors.findByNames(names))
  const accounts = makeFinder(MOST_AT_ONCE, names => actors.findAccounts(names))
  return {
    ...tools,
    actors: {
      ...actors,
      findByNames: names => findEach(people, names),
      findByName: async name => (await people(name))?.actor,
      findAccount: accounts
    }
  }
}

async function findEach<Thing>(find: (name: string) => Promise<Thing | undefined>, names: string[]): Promise<Map<string, Thing>> {
  const found = new Map<string, Thing>()
  const look = async (name: string) => {
    const thing = await find(name)
    if (thing !== undefined) found.set(name, thing)
  }
  await Promise.all(names.map(look))
  return found
}
