import { WORKSPACE_EVENT_TYPES } from '@permea/sdk'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import { LISTENER_URL } from '../listening.ts'
import type { Desk } from '../program.ts'

export function registerTriggerCommand(program: Command, desk: Desk): void {
  const types = WORKSPACE_EVENT_TYPES
  const trigger = program
    .command('trigger')
    .argument('<type>', `type of the notification: ${types.join(', ')}`)
    .summary('send the sample of a notification')
    .description(
      'Sends the sample of a type of notification, signed as a real one, to every endpoint of the workspace or to one.',
    )
    .option('--endpoint <id>', 'only to this endpoint, as in ne_…')
    .action(async (type: string, options: { endpoint?: string }) => {
      const eventType = types.find((each) => each === type)
      if (eventType === undefined)
        throw new CliProblem(`there is no notification ${JSON.stringify(type)}; there are ${types.join(', ')}`, 'usage')
      const { permea } = desk.target()
      const printer = desk.printer()
      const { items } = await permea.notificationEndpoints.list({ query: { limit: 1000 } })
      const wanted = items.filter(({ id }) => options.endpoint === undefined || id === options.endpoint)
      if (wanted.length === 0)
        throw new CliProblem(
          options.endpoint === undefined
            ? 'the workspace has no notification endpoint; permea listen makes one'
            : `there is no endpoint ${options.endpoint}`,
        )
      let failed = 0
      for (const { id, name, url } of wanted) {
        const sent = await permea.notificationEndpoints.test({ params: { id }, body: { eventType } })
        const isForListener = url === LISTENER_URL
        if (sent.attempt.outcome !== 'acknowledged' && !isForListener) failed += 1
        printer.value({ endpoint: id, ...sent }, () =>
          isForListener
            ? `${name}: taken by the listener where it is running`
            : `${name}: ${sent.attempt.outcome} ${sent.attempt.httpStatus ?? sent.attempt.error ?? ''}`.trimEnd(),
        )
      }
      if (failed > 0) throw new CliProblem(`${failed} of ${wanted.length} endpoints did not take it`)
    })
  withExamples(trigger, 'permea trigger flowRun.failed')
}
