/** The accounts that live here, kept in memory: what is asked most is answered without the database. */
import type { Account } from '../model/kept.ts'
import type { Tools } from '../tools.ts'

export type Residents = ReturnType<typeof makeResidents>

/** Loaded when first asked for, and again when a process of this node tells that one of them changed. */
export function makeResidents({ actors, onChange }: Pick<Tools, 'actors' | 'onChange'>) {
  let loading: Promise<Map<string, Account>> | undefined
  let loaded: Map<string, Account> | undefined
  const load = async (): Promise<Map<string, Account>> => {
    const mine = actors.accounts().then(list => new Map(list.map(account => [account.localName, account])))
    loading = mine
    try {
      const map = await mine
      // a change that came while we read makes what was read worthless for the next one
      if (loading === mine) loaded = map
      return map
    } finally {
      if (loading === mine) loading = undefined
    }
  }
  onChange(name => {
    if (name !== '*' && name !== 'accounts' && !name.startsWith('account:')) return
    loaded = undefined
    loading = undefined
  })
  return {
    find: async (name: string): Promise<Account | undefined> => (loaded ?? (await (loading ?? load()))).get(name),
    /** By name, without waiting: undefined when nothing is loaded yet. */
    atHand: (name: string): Account | undefined => loaded?.get(name)
  }
}

/** What was made of an account, until it changes: kept under the account's name and a key, at most `most` things in all. */
export function makeRendered<Thing>({ onChange }: Pick<Tools, 'onChange'>, most: number) {
  const things = new Map<string, Map<string, Thing>>()
  let count = 0
  let changes = 0
  const forget = (name: string) => {
    count -= things.get(name)?.size ?? 0
    things.delete(name)
  }
  onChange(told => {
    changes++
    if (told.startsWith('account:')) forget(told.slice(8))
    else for (const name of [...things.keys()]) forget(name)
  })
  return {
    atHand: (name: string, key: string): Thing | undefined => things.get(name)?.get(key),
    /** What is there, or what `make` makes: kept only when nothing changed meanwhile. */
    async get(name: string, key: string, make: () => Promise<Thing>): Promise<Thing> {
      const known = things.get(name)?.get(key)
      if (known !== undefined) return known
      const before = changes
      const made = await make()
      if (changes !== before) return made
      if (count >= most) for (const old of [...things.keys()].slice(0, Math.ceil(things.size / 4))) forget(old)
      const kept = things.get(name) ?? new Map<string, Thing>()
      things.set(name, kept)
      if (!kept.has(key)) count++
      kept.set(key, made)
      return made
    }
  }
}
