import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { sendEvents } from '@permea/sdk'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Desk } from '../program.ts'

const CUSTOMER_SECONDS = 300

export function registerEventCommands(program: Command, desk: Desk): void {
  const events = program
    .command('events')
    .summary('send, watch and show internal events')
    .description('Internal events: send, watch and show them.')
  registerSend(events, desk)
  registerTail(events, desk)
  registerShow(events, desk)
}

function registerSend(events: Command, desk: Desk): void {
  const send = events
    .command('send')
    .argument('<type>', 'key of the event type, or a webhook URL')
    .argument('[json]', 'the event as JSON, an array for several, @file, or - for standard input', '{}')
    .summary('send an event as your application would')
    .description('Posts an event to the webhook of its type and prints what the engine answered.')
    .option('--customer <id>', 'your own id of the customer, where the event does not say it')
    .option('--idempotency-key <key>', 'a request with the same key stores nothing again within 24 hours')
    .action(async (type: string, json: string, options: { customer?: string; idempotencyKey?: string }) => {
      const target = desk.target()
      const printer = desk.printer()
      const event = parsed(textOf(json, desk.around.cwd))
      const url = /^https?:\/\//.test(type)
        ? type
        : (await target.permea.appEventTypes.get({ params: { selector: type } })).globalWebhookUri
      const { customer, idempotencyKey } = options
      const token = customer === undefined ? undefined : await target.sign({ id: customer }, CUSTOMER_SECONDS)
      const answer = await sendEvents(url, event, { token, idempotencyKey })
      printer.value(answer, () =>
        answer.results.map((each) => ('id' in each ? each.id : `refused: ${each.error.message}`)).join('\n'),
      )
    })
  withExamples(
    send,
    `permea events send order-created '{"orderId": "1002"}' --customer customer-123`,
    'permea events send order-created @order.json',
  )
}

function textOf(given: string, cwd: string): string {
  if (given === '-') return readFileSync(0, 'utf8')
  if (!given.startsWith('@')) return given
  try {
    return readFileSync(resolve(cwd, given.slice(1)), 'utf8')
  } catch (error) {
    throw new CliProblem(`${given.slice(1)} cannot be read (${(error as NodeJS.ErrnoException).code})`, 'usage')
  }
}

function parsed(text: string): object {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch (error) {
    throw new CliProblem(`the event is not valid JSON: ${(error as Error).message}`, 'usage')
  }
  throw new CliProblem('an event is a JSON object', 'usage')
}

function registerTail(events: Command, desk: Desk): void {
  const tail = events
    .command('tail')
    .summary('show events as they come in')
    .description('Shows the last events, then each new one until Ctrl-C.')
    .option('-n, --last <count>', 'how many of those that came before', '10')
    .option('--no-follow', 'end after those')
    .option('--customer <id>', 'only of this customer')
    .action(async (options: { last: string; follow: boolean; customer?: string }) => {
      const target = desk.target()
      const printer = desk.printer()
      await follow({
        target,
        signal: desk.around.untilStopped(),
        last: countOf(options.last),
        isFollowing: options.follow,
        list: (query) =>
          target.permea.appEvents.list({
            query: { ...query, ...(options.customer === undefined ? {} : { userId: options.customer }) },
          }),
        seen: (event) =>
          printer.value(event, () =>
            [
              event.createdAt,
              event.id,
              event.appEventType?.key ?? '',
              event.user?.internalId ?? event.userId,
              `${event.launchedFlowRunIds.length} runs`,
              JSON.stringify(event.event).slice(0, 120),
            ].join('  '),
          ),
        note: printer.note,
      })
    })
  withExamples(tail, 'permea events tail', 'permea events tail -n 100 --no-follow --json')
}

export function countOf(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 0 || count > 1000)
    throw new CliProblem(`${JSON.stringify(text)} is no number from 0 to 1000`, 'usage')
  return count
}

function registerShow(events: Command, desk: Desk): void {
  const show = events
    .command('show')
    .argument('<id>', 'id of the event, as in aev_…')
    .summary('show one event')
    .description('Shows an event with its payload and what it launched. permea why shows the whole way.')
    .action(async (id: string) => {
      const event = await desk.target().permea.appEvents.get({ params: { id } })
      desk.printer().value(event, () => JSON.stringify(event, null, 2))
    })
  withExamples(show, 'permea events show aev_01h455vb4pex5vsknk084sn02q')
}
