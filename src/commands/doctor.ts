/** `doctor`: what is wrong here, and its cure. */
import { runDoctor } from '../federation/doctor.ts'
import { type Command, printChecks } from './command.ts'

export const doctor: Command = {
  words: 'doctor',
  usage: '',
  summary: 'looks for what is wrong, here and from outside, and says what to do; fails when something is',
  takes: [0, 0],
  async run(tools, args, out) {
    return printChecks(out, args, (await runDoctor(tools)).checks)
  }
}
