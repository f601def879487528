/** Commands as they are typed, without a process: what they print, tell and answer. */
import { carryOut, chooseCommand } from '../../src/commands/commands.ts'
import type { Tools } from '../../src/tools.ts'

/** `json`: the printed lines as objects. */
export type Typed = { code: number; printed: string[]; progress: string[]; complaints: string[]; json: Record<string, unknown>[] }

/**
 * Types a line of words, split at spaces unless it is given as a list.
 * @param answer what is typed when the command asks, which may depend on what it printed @throws WrongUsage
 */
export async function type(
  tools: Tools,
  line: string | string[],
  answer: (printed: string[]) => string | Promise<string> = () => ''
): Promise<Typed> {
  const chosen = chooseCommand(typeof line === 'string' ? line.split(' ') : line)
  if (chosen.kind !== 'command') throw new Error(`${line} is not a command that needs tools`)
  const printed: string[] = []
  const progress: string[] = []
  const complaints: string[] = []
  const out = {
    print: (text: string) => void printed.push(text),
    progress: (text: string) => void progress.push(text),
    ask: async () => answer(printed)
  }
  const code = await carryOut(tools, chosen, out, text => void complaints.push(text))
  return { code, printed, progress, complaints, json: chosen.args.json ? printed.map(text => JSON.parse(text)) : [] }
}
