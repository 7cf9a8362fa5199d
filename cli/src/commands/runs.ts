import type { FlowRun } from '@permea/contract'
import type { Command } from 'commander'
import type { z } from 'zod'
import { treeOfRun } from '../chain.ts'
import { withExamples } from '../examples.ts'
import { follow } from '../follow.ts'
import type { Printer } from '../printer.ts'
import type { Desk } from '../program.ts'
import { countOf } from './events.ts'

type Run = z.output<typeof FlowRun>

export function registerRunCommands(program: Command, desk: Desk): void {
  const runs = program
    .command('runs')
    .summary('watch, show and repeat flow runs')
    .description('Flow runs: watch, show and repeat them.')
  registerTail(runs, desk)
  const show = runs
    .command('show')
    .argument('<id>', 'id of the run, as in fr_…')
    .summary('show one run with its nodes')
    .description('Shows a run node by node: what each came to, and why it failed.')
    .action(async (id: string) => {
      const { permea } = desk.target()
      const printer = desk.printer()
      const run = await permea.flowRuns.get({ params: { id } })
      const tree = await treeOfRun(permea, run)
      printer.value(run, () => tree.join('\n'))
    })
  withExamples(show, 'permea runs show fr_01h455vb4pex5vsknk084sn02q')
  const repeat = runs
    .command('repeat')
    .argument('<id>', 'id of the run, as in fr_…')
    .summary('start a run again with the same input')
    .description('Starts a new run with the input of an old one, and prints its id.')
    .action(async (id: string) => {
      const run = await desk.target().permea.flowRuns.repeat({ params: { id } })
      desk.printer().value(run, () => run.id)
    })
  withExamples(repeat, 'permea runs repeat fr_01h455vb4pex5vsknk084sn02q')
}

function registerTail(runs: Command, desk: Desk): void {
  const tail = runs
    .command('tail')
    .summary('show runs as they begin')
    .description('Shows the last runs, then each new one until Ctrl-C.')
    .option('-n, --last <count>', 'how many of those that began before', '10')
    .option('--no-follow', 'end after those')
    .option('--state <state>', 'only queued, running, completed, stopped or failed ones')
    .option('--flow <key>', 'only of this flow')
    .action(async (options: { last: string; follow: boolean; state?: Run['state']; flow?: string }) => {
      const target = desk.target()
      const printer = desk.printer()
      const { flow, state } = options
      const flowId = flow === undefined ? undefined : (await target.permea.flows.get({ params: { selector: flow } })).id
      await follow({
        target,
        signal: desk.around.untilStopped(),
        last: countOf(options.last),
        isFollowing: options.follow,
        list: (query) =>
          target.permea.flowRuns.list({
            query: { ...query, ...(flowId === undefined ? {} : { flowId }), ...(state === undefined ? {} : { state }) },
          }),
        seen: (run) => printer.value(run, () => lineOf(run, printer)),
        note: printer.note,
      })
    })
  withExamples(tail, 'permea runs tail', 'permea runs tail --state failed --flow announce-ticket')
}

const COLOURS = { queued: 'gray', running: 'blue', completed: 'green', stopped: 'yellow', failed: 'red' } as const

export function lineOf(run: Run, { paint }: Printer): string {
  const name = run.flowInstance?.name ?? run.name ?? ''
  const why = run.errors?.[0]?.message ?? ''
  return [
    run.startTime,
    run.id,
    paint(COLOURS[run.state], run.state.padEnd(9)),
    name,
    run.user?.internalId ?? run.userId,
    why,
  ]
    .join('  ')
    .trimEnd()
}
