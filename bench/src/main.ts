import { against } from './against.ts'
import { deliveryFairness } from './delivery-fairness.ts'
import { external } from './external.ts'
import { growth } from './growth.ts'
import { intakeLog } from './intake-log.ts'
import { compare, fairness, idle, latency, sampleMemory } from './measures.ts'
import { HELP, type Measure, type Options, readOptions } from './options.ts'
import { costliestStatements, startPostgres } from './postgres.ts'
import { scan } from './scan.ts'
import { setStage } from './stage.ts'
import { type Row, tableOf } from './table.ts'

const EXTERNAL: ReadonlySet<Measure> = new Set(['webhooks', 'signatures', 'containment', 'refreshes', 'polls'])
const ON_STAGES_OF_THEIR_OWN: ReadonlySet<Measure> = new Set([
  'growth',
  'delivery-fairness',
  'scan',
  'intake-log',
  ...EXTERNAL,
])

/** Takes the measures in one run, so that their ratios mean something, and gives the table's rows. */
async function measure(options: Options): Promise<Row[]> {
  const rows: Row[] = []
  const { measures } = options
  await using postgres = await startPostgres(options)
  if ([...measures].some((each) => !ON_STAGES_OF_THEIR_OWN.has(each))) {
    await using stage = await setStage(postgres, options)
    const memory = sampleMemory(stage)
    if (measures.has('accept')) rows.push(...(await compare('accept', stage, options, memory)))
    if (measures.has('pipeline')) rows.push(...(await compare('pipeline', stage, options, memory)))
    if (measures.has('memory')) rows.push(...memory.rows())
    if (measures.has('latency')) rows.push(...(await latency(stage)))
    if (options.hasStatements)
      process.stderr.write(
        `ms, of which planning, calls, ms per call, KiB of WAL\n${await costliestStatements(postgres, stage.engine.database)}\n`,
      )
    if (measures.has('idle')) rows.push(...(await idle(stage)))
    if (measures.has('fairness')) rows.push(...(await fairness(stage)))
  }
  if (measures.has('delivery-fairness')) rows.push(...(await deliveryFairness(postgres)))
  if ([...measures].some((each) => EXTERNAL.has(each))) rows.push(...(await external(postgres, options)))
  if (measures.has('scan')) rows.push(...(await scan(postgres)))
  if (measures.has('intake-log')) rows.push(...(await intakeLog(postgres, options)))
  if (measures.has('growth')) rows.push(...(await growth(postgres, options)))
  return rows
}

async function resultOf(options: Options): Promise<string> {
  if (options.against === null && !options.hasTraces && options.processes === 1) return tableOf(await measure(options))
  await using postgres = await startPostgres(options)
  return await against(postgres, options)
}

const options = readOptions(process.argv.slice(2))
console.log(options === null ? HELP : await resultOf(options))
