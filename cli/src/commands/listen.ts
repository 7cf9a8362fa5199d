import type { WorkspaceEventType } from '@permea/contract'
import { WORKSPACE_EVENT_TYPES } from '@permea/sdk'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { listen } from '../listening.ts'
import type { Desk } from '../program.ts'
import { countOf } from './events.ts'

export function registerListenCommand(program: Command, desk: Desk): void {
  const command = program
    .command('listen')
    .argument('[url]', 'where to forward to, as in http://localhost:3000/webhooks')
    .summary('receive the notifications of a workspace on this machine')
    .description(
      'Forwards the notifications of a workspace, and the external events that are delivered to your application, to an ' +
        'address on this machine: what a receiver would get, with the headers that sign it. They come over the stream of ' +
        'the API, so no tunnel is needed. What happens while this, or the engine, is not running is kept and comes later: ' +
        'a notification is done when your address took it with 2xx. The secret to verify with is printed at the start.',
    )
    .option('--events <types>', 'only notifications of these types, separated by commas')
    .option('--print', 'print each message with its headers and body; without an address that is all that is done')
    .option('--replay-last <count>', 'begin with the last deliveries of the workspace, sent once more', '0')
    .option('--name <name>', 'name of the listener; each keeps its own place', 'permea listen')
    .option('--once', 'end after the first message that was taken')
    .option('--stop', 'take the listener and what waits for it away, and end')
    .action(async (url: string | undefined, options: Options) => {
      const printer = desk.printer()
      if (url === undefined && options.print !== true && options.stop !== true)
        throw new CliProblem('give an address to forward to, or --print', 'usage')
      if (url !== undefined && !/^https?:\/\//.test(url))
        throw new CliProblem(`${JSON.stringify(url)} is no http or https address`, 'usage')
      await listen({
        target: desk.target(),
        printer,
        signal: desk.around.untilStopped(),
        url: url ?? null,
        eventTypes: typesOf(options.events),
        isPrinting: options.print === true,
        replayLast: countOf(options.replayLast),
        name: options.name,
        isOnce: options.once === true,
        isStopping: options.stop === true,
      })
    })
  withExamples(
    command,
    'permea listen http://localhost:3000/webhooks',
    'permea listen --print --events flowRun.failed,alert.created',
    'permea listen http://localhost:3000/webhooks --replay-last 5',
  )
}

interface Options {
  events?: string
  print?: boolean
  replayLast: string
  name: string
  once?: boolean
  stop?: boolean
}

function typesOf(text: string | undefined): WorkspaceEventType[] {
  const all = WORKSPACE_EVENT_TYPES
  if (text === undefined) return [...all]
  return text.split(',').map((each) => {
    const found = all.find((type) => type === each.trim())
    if (found === undefined)
      throw new CliProblem(
        `there is no notification ${JSON.stringify(each.trim())}; there are ${all.join(', ')}`,
        'usage',
      )
    return found
  })
}
