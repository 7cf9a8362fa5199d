import { parseArgs } from 'node:util'

export const MEASURES = [
  'accept',
  'pipeline',
  'latency',
  'idle',
  'memory',
  'fairness',
  'delivery-fairness',
  'webhooks',
  'signatures',
  'containment',
  'refreshes',
  'polls',
  'scan',
  'intake-log',
  'growth',
] as const
export type Measure = (typeof MEASURES)[number]

export interface Options {
  measures: ReadonlySet<Measure>
  /** How long each load lasts. */
  seconds: number
  /** How often bare and engine take turns. */
  rounds: number
  /** Stored events and runs for `growth`. */
  rows: number
  /** Of `growth` only how long pages take, not the rates. */
  isPagesOnly: boolean
  /** Where to write a CPU profile of the engine; null for none. */
  profileDir: string | null
  /** The revision to compare this tree with; null for the least code that does the same. */
  against: string | null
  /** Whether to compare this tree with traces on with itself without. */
  hasTraces: boolean
  /** Processes on one database: with `against` on both sides, else beside a single one; 1 for the other measures. */
  processes: number
  /** Whether every process stays on a core of its own. */
  isPinned: boolean
  /** Events per load, where loads are counted rather than timed. */
  events: number
  /** Whether to list the statements that PostgreSQL spent most time on. */
  hasStatements: boolean
}

export const HELP = `npm run bench -- [options]
  --only accept,pipeline   measures to take, of ${MEASURES.join(', ')} (default: all but intake-log and growth)
                           intake-log takes five minutes and needs nats-server on the PATH
  --growth                 growth too: cost with many stored events and subscriptions
  --rows 1000000           stored events and runs for growth
  --pages                  of growth only how long pages of lists take
  --seconds 10             how long each load lasts
  --rounds 3               how often bare and engine take turns; medians are shown
  --against REVISION       this tree beside another revision (or folder), by turns: accept, pipeline, webhooks
  --traces                 this tree with traces on beside itself without, by turns: accept, pipeline, webhooks;
                           OTEL_TRACES_SAMPLER and its argument count
  --processes 2            two processes on one database beside one; with --against both sides have so many
  --pinned                 every process on a core of its own, with --processes or --against
  --events 10000           events per load, with --processes or --against
  --profile DIR            write a CPU profile of the engine
  --statements             list the engine's statements by time; counting them costs some`

export function readOptions(args: readonly string[]): Options | null {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      growth: { type: 'boolean', default: false },
      pages: { type: 'boolean', default: false },
      rows: { type: 'string', default: '1000000' },
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '3' },
      against: { type: 'string' },
      traces: { type: 'boolean', default: false },
      processes: { type: 'string', default: '1' },
      pinned: { type: 'boolean', default: false },
      events: { type: 'string', default: '10000' },
      profile: { type: 'string' },
      statements: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return null
  const wanted =
    values.only?.split(',') ?? MEASURES.filter((each) => (each !== 'growth' || values.growth) && each !== 'intake-log')
  const unknown = wanted.find((each) => !MEASURES.some((measure) => measure === each))
  if (unknown !== undefined) throw new Error(`--only: there is no measure ${JSON.stringify(unknown)}`)
  return {
    measures: new Set(wanted as Measure[]),
    seconds: positive('seconds', values.seconds),
    rounds: positive('rounds', values.rounds),
    rows: positive('rows', values.rows),
    isPagesOnly: values.pages,
    against: values.against ?? null,
    hasTraces: values.traces,
    processes: positive('processes', values.processes),
    isPinned: values.pinned,
    events: positive('events', values.events),
    profileDir: values.profile ?? null,
    hasStatements: values.statements,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) throw new Error(`--${name} must be a number above 0`)
  return value
}
