/** The accounts that live here, kept in memory: what is asked most is answered without the database. */
import type { Account } from '../model/kept.ts'
import { MODERATED, type Tools } from '../tools.ts'

export type Residents = ReturnType<typeof makeResidents>

const ACCOUNT = 'account:'
/** `*`: some changes may have been missed; what is hidden goes from every document. Everything else that is told (jobs) is nothing to us. */
const isAboutAll = (told: string) => told === '*' || told === 'accounts' || told === MODERATED

/** Loaded when first asked for, and again when a process of this node tells that one of them changed. */
export function makeResidents({ actors, onChange }: Pick<Tools, 'actors' | 'onChange'>) {
  let loading: Promise<Map<string, Account>> | undefined
  let loaded: Map<string, Account> | undefined
  const load = async (): Promise<Map<string, Account>> => {
    const mine = loading ?? actors.accounts().then(list => new Map(list.map(account => [account.localName, account])))
    loading = mine
    try {
      const map = await mine
      // a change that came while we read makes what was read worthless
      if (loading !== mine) return loaded ?? load()
      loaded = map
      return map
    } finally {
      if (loading === mine) loading = undefined
    }
  }
  onChange(told => {
    if (!isAboutAll(told) && !told.startsWith(ACCOUNT)) return
    loaded = undefined
    loading = undefined
  })
  return {
    find: async (name: string): Promise<Account | undefined> => (loaded ?? (await load())).get(name),
    /** By name, without waiting: undefined when nothing is loaded yet. */
    atHand: (name: string): Account | undefined => loaded?.get(name)
  }
}

export type Rendered<Thing> = ReturnType<typeof makeRendered<Thing>>

/** What was made of an account, until it changes: kept under the account's name and a key, at most `most` things in all. */
export function makeRendered<Thing>({ onChange }: Pick<Tools, 'onChange'>, most: number) {
  const things = new Map<string, Map<string, Thing>>()
  const making = new Map<string, Promise<Thing>>()
  let count = 0
  let changes = 0
  const forget = (name: string) => {
    count -= things.get(name)?.size ?? 0
    things.delete(name)
  }
  const keep = (name: string, key: string, thing: Thing) => {
    if (count >= most) for (const old of [...things.keys()].slice(0, Math.ceil(things.size / 4))) forget(old)
    const kept = things.get(name) ?? new Map<string, Thing>()
    things.set(name, kept.set(key, thing))
    count++
  }
  onChange(told => {
    const names = isAboutAll(told) ? [...things.keys()] : told.startsWith(ACCOUNT) ? [told.slice(ACCOUNT.length)] : undefined
    if (names === undefined) return
    changes++
    making.clear()
    names.map(forget)
  })
  const begin = async (name: string, key: string, make: () => Promise<Thing>): Promise<Thing> => {
    const before = changes
    const made = await make()
    if (changes === before) keep(name, key, made)
    return made
  }
  return {
    atHand: (name: string, key: string): Thing | undefined => things.get(name)?.get(key),
    /** What is there, or what `make` makes, once for all who ask meanwhile: kept, and shared, only as long as nothing changes. */
    async get(name: string, key: string, make: () => Promise<Thing>): Promise<Thing> {
      const known = things.get(name)?.get(key)
      if (known !== undefined) return known
      const full = `${name} ${key}`
      const underWay = making.get(full)
      if (underWay !== undefined) return underWay
      const mine = begin(name, key, make)
      making.set(full, mine)
      try {
        return await mine
      } finally {
        if (making.get(full) === mine) making.delete(full)
      }
    }
  }
}
