import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import type { Desk } from '../program.ts'

interface Options {
  event?: string
  answer: string[]
}

export function registerFunctionCommands(program: Command, desk: Desk): void {
  const functions = program.command('functions').summary('try functions out').description('Functions: try them out.')
  const run = functions
    .command('run')
    .argument('<file>', 'JavaScript or TypeScript with a default export')
    .summary('run a function in the sandbox, without an engine')
    .description(
      'Calls the default export of a file in the same sandbox and with the same limits as the engine does. Requests that ' +
        'it makes are shown, and answered with what --answer gives, one after the other; then with {}. Nothing is sent.',
    )
    .option('--event <json>', 'the argument, as JSON or @file', '{}')
    .option(
      '--answer <json>',
      'body of the answer to the next request, as JSON or @file; may be repeated',
      collected,
      [],
    )
    .action(async (file: string, options: Options) => {
      // Loaded by the command that needs it: the others would wait for it.
      const { runFunction } = await import('../engine/function-run.ts')
      await runFunction(file, options, desk)
    })
  withExamples(
    run,
    `permea functions run handle.js --event '{"data": {"topic": "ticket.opened"}}'`,
    `permea functions run subscribe.ts --event @event.json --answer '{"id": "hook_1"}'`,
  )
}

function collected(value: string, before: string[]): string[] {
  return [...before, value]
}
