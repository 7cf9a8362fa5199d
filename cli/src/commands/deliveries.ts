import type { DeliveryState } from '@permea/contract'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { follow } from '../follow.ts'
import type { Desk } from '../program.ts'
import { countOf } from './events.ts'

export function registerDeliveryCommands(program: Command, desk: Desk): void {
  const deliveries = program
    .command('deliveries')
    .summary('watch deliveries and send them again')
    .description('Deliveries of notifications and external events: watch them, and send them again.')
  registerTail(deliveries, desk)
  const retry = deliveries
    .command('retry')
    .argument('<id>', 'id of the delivery, as in dlv_…')
    .summary('send a delivery again, now')
    .description('Makes one attempt now, with the address and secret of today, and prints what the receiver answered.')
    .action(async (id: string) => {
      const { delivery, attempt } = await desk.target().permea.deliveries.retry({ params: { id } })
      desk
        .printer()
        .value({ delivery, attempt }, () => `${attempt.outcome} ${attempt.httpStatus ?? attempt.error ?? ''}`.trimEnd())
      if (attempt.outcome !== 'acknowledged')
        throw new CliProblem(`the receiver did not take it: ${attempt.error ?? attempt.outcome}`)
    })
  withExamples(retry, 'permea deliveries retry dlv_01h455vb4pex5vsknk084sn02q')
}

function registerTail(deliveries: Command, desk: Desk): void {
  const tail = deliveries
    .command('tail')
    .summary('show deliveries as they are made')
    .description('Shows the last deliveries, then each new one until Ctrl-C.')
    .option('-n, --last <count>', 'how many of those that were made before', '10')
    .option('--no-follow', 'end after those')
    .option('--state <state>', 'only pending, succeeded, exhausted or cancelled ones')
    .option('--type <event type>', 'only of this type, as in flowRun.failed')
    .action(async (options: { last: string; follow: boolean; state?: DeliveryState; type?: string }) => {
      const target = desk.target()
      const printer = desk.printer()
      const filter = {
        ...(options.state === undefined ? {} : { state: options.state }),
        ...(options.type === undefined ? {} : { eventType: options.type }),
      }
      await follow({
        target,
        signal: desk.around.untilStopped(),
        last: countOf(options.last),
        isFollowing: options.follow,
        list: (query) => target.permea.deliveries.list({ query: { ...query, ...filter } }),
        seen: (each) =>
          printer.value(each, () =>
            [each.createdAt, each.id, each.state.padEnd(9), each.eventType, each.destinationId, each.lastError ?? '']
              .join('  ')
              .trimEnd(),
          ),
        note: printer.note,
      })
    })
  withExamples(tail, 'permea deliveries tail --state exhausted')
}
