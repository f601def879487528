/** Where pictures of other people are shown from: by ids of ours, and not at all if the owner does not want it (W36, X25). */
import type { Tools } from '../tools.ts'

type Needs = Pick<Tools, 'clock' | 'http' | 'onChange' | 'pictures' | 'settings'>

/** What this process knows of the setting, until one is changed. */
const memories = new WeakMap<Tools['http'], () => Promise<boolean>>()

/** Longer addresses have no row: an index could not hold them. */
const LONGEST = 2000

/** The ids of pictures by their addresses elsewhere: none of those that are not shown. One query, however many there are. */
export async function findPictures(tools: Needs, urls: (string | undefined)[]): Promise<ReadonlyMap<string, string>> {
  const wanted = urls.filter(url => url !== undefined && url.length <= LONGEST) as string[]
  if (wanted.length === 0 || !(await showsPictures(tools)())) return new Map()
  return tools.pictures.idsOf(wanted, tools.clock())
}

function showsPictures({ http, onChange, settings }: Needs): () => Promise<boolean> {
  const known = memories.get(http)
  if (known !== undefined) return known
  let asked: Promise<boolean> | undefined
  const forget = () => {
    asked = undefined
  }
  onChange(told => {
    if (told === '*' || told === 'settings') forget()
  })
  const recall = () => {
    asked ??= settings.find<boolean>('pictures').then(
      value => value !== false,
      error => {
        forget()
        throw error
      }
    )
    return asked
  }
  memories.set(http, recall)
  return recall
}
