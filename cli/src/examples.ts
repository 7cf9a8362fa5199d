import type { Command } from 'commander'

const examplesOf = new WeakMap<Command, readonly string[]>()

/** Says how a command is used: under its help, and in `docs/use/cli.md`. */
export function withExamples(command: Command, ...examples: readonly string[]): Command {
  examplesOf.set(command, examples)
  return command.addHelpText('after', `\nExamples:\n${examples.map((each) => `  $ ${each}`).join('\n')}`)
}

export function examplesFor(command: Command): readonly string[] {
  return examplesOf.get(command) ?? []
}
