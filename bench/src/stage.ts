import type { IntakeLogPlace } from '../../server/src/engine-options.ts'
import type { BareAsks } from './bare-child.ts'
import { type Child, startChild } from './child.ts'
import type { EngineAsks, Ready } from './engine-child.ts'
import type { Load, LoadAsks, LoadResult, Target } from './load-child.ts'
import { machineMs, wait } from './moments.ts'
import type { Options } from './options.ts'
import type { Postgres } from './postgres.ts'
import type { ReceiverAsks } from './receiver-child.ts'

export const CUSTOMERS = 20
const CONNECTIONS = 64
const EVENT_BYTES = 1024

/** Something that takes events: the engine or what it is compared with. */
export interface Contender {
  name: 'bare' | 'engine'
  database: string
  port: number
  accept: readonly Target[]
  pipeline: readonly Target[]
  usage(): Promise<{ cpuMs: number; rssBytes: number }>
  /** CPU time of the processes that run functions, where there are any. */
  functionsMs?(): number
  /** Events that went all the way, and whose record says so. */
  finished(): Promise<number>
}

/** Those that are compared and what both need, each in a process of its own. */
export interface Bout {
  postgres: Postgres
  bare: Contender
  engine: Contender
  receiver: Child<ReceiverAsks>
  load: Child<LoadAsks>
}

/** Everything that takes part. */
export interface Stage extends Bout, AsyncDisposable {
  ready: Ready
}

/** What a load needs of a stage. */
export type Site = Pick<Stage, 'postgres' | 'load'>

export async function setStage(postgres: Postgres, options: Options): Promise<Stage> {
  await using stack = new AsyncDisposableStack()
  const load = stack.use(startChild<LoadAsks>('./load-child.ts'))
  const receiver = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const hanging = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const { port: receiverPort } = await receiver.ask('start', undefined)
  const { port: hangingPort } = await hanging.ask('start', undefined)
  const bare = await startBare(stack, postgres, receiverPort)
  const started = await startEngine(stack, {
    postgres,
    database: 'bench_engine',
    appUrl: `http://127.0.0.1:${receiverPort}`,
    hangingUrl: `http://127.0.0.1:${hangingPort}/hang`,
    profileDir: options.profileDir,
  })
  const all = stack.move()
  const { engine, ready } = started
  return { postgres, bare, engine, ready, receiver, load, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

export async function startBare(
  stack: AsyncDisposableStack,
  postgres: Postgres,
  receiverPort: number,
  given: { database: string; pipeline: string } = { database: 'bench_bare', pipeline: '/pipeline' },
): Promise<Contender> {
  const child = stack.use(startChild<BareAsks>('./bare-child.ts'))
  const databaseUrl = await postgres.create(given.database)
  const { port } = await child.ask('start', { databaseUrl, receiverPort })
  return {
    name: 'bare',
    database: given.database,
    port,
    accept: [{ path: '/accept', token: 'none' }],
    pipeline: [{ path: given.pipeline, token: 'none' }],
    usage: () => child.ask('usage', undefined),
    finished: () => child.ask('finished', undefined),
  }
}

export async function startEngine(
  stack: AsyncDisposableStack,
  given: {
    postgres: Postgres
    database: string
    appUrl: string
    hangingUrl: string
    profileDir: string | null
    intakeLog?: IntakeLogPlace
  },
): Promise<{ engine: Contender; ready: Ready; applied(): Promise<void> }> {
  const flags = given.profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${given.profileDir}`]
  const child = stack.use(startChild<EngineAsks>('./engine-child.ts', flags))
  const databaseUrl = await given.postgres.create(given.database)
  const { appUrl, hangingUrl, intakeLog = null } = given
  const ready = await child.ask('start', { databaseUrl, appUrl, hangingUrl, customers: CUSTOMERS, intakeLog })
  const engine: Contender = {
    name: 'engine',
    database: given.database,
    port: ready.port,
    accept: ready.tokens.map((token) => ({ path: ready.paths.nobodyWants, token })),
    pipeline: ready.tokens.map((token) => ({ path: ready.paths.toYourApp, token })),
    usage: () => child.ask('usage', undefined),
    async finished() {
      const { completed, others } = await child.ask('finished', undefined)
      if (others > 0) throw new Error(`${others} runs did not complete`)
      return completed
    },
  }
  return { engine, ready, applied: () => child.ask('applied', undefined) }
}

/** What one load came to. */
export interface Sustained extends LoadResult {
  /** Events per second, from the first request to the last event finished. */
  rate: number
  /** CPU time per event, in microseconds. */
  cpuUs: { server: number; functions: number; postgres: number }
}

export function load(stage: Pick<Stage, 'load'>, given: Partial<Load> & Pick<Load, 'port' | 'targets' | 'seconds'>) {
  const full: Load = { connections: CONNECTIONS, bytes: EVENT_BYTES, pace: { kind: 'closed' }, ...given }
  return stage.load.ask('run', full)
}

/** Events that nobody wants, as fast as they are taken. */
export function sustainAccept(stage: Site, contender: Contender, seconds: number): Promise<Sustained> {
  const { port, accept } = contender
  return sustain(stage, contender, () => load(stage, { port, targets: accept, seconds }))
}

/** Events that go on to the receiver, as fast as they are taken, until the last is recorded as done. */
export function sustainPipeline(stage: Site, contender: Contender, seconds: number): Promise<Sustained> {
  const { port, pipeline } = contender
  return sustain(stage, contender, async () => {
    const before = await contender.finished()
    const result = await load(stage, { port, targets: pipeline, seconds })
    await finishedUpTo(contender, before + result.accepted)
    return result
  })
}

const DRAIN_SECONDS_MAX = 120

export async function finishedUpTo(contender: Contender, count: number): Promise<void> {
  const deadline = machineMs() + DRAIN_SECONDS_MAX * 1000
  for (let done = await contender.finished(); done < count; done = await contender.finished()) {
    if (machineMs() > deadline) throw new Error(`${contender.name}: ${count - done} events are not finished`)
    await wait(20)
  }
}

async function sustain(stage: Site, contender: Contender, work: () => Promise<LoadResult>): Promise<Sustained> {
  // What the one before left to be flushed must not fall on this one.
  await stage.postgres.query('postgres', 'checkpoint')
  const functionsMs = () => contender.functionsMs?.() ?? 0
  const [usage, beforeMs] = [await contender.usage(), { functions: functionsMs(), postgres: stage.postgres.cpuMs() }]
  const result = await work()
  const seconds = (machineMs() - result.startedAtMs) / 1000
  const after = await contender.usage()
  if (result.refused > 0) throw new Error(`${contender.name}: ${result.refused} events were refused`)
  const perEvent = (ms: number) => (ms * 1000) / result.accepted
  return {
    ...result,
    rate: result.accepted / seconds,
    cpuUs: {
      server: perEvent(after.cpuMs - usage.cpuMs),
      functions: perEvent(functionsMs() - beforeMs.functions),
      postgres: perEvent(stage.postgres.cpuMs() - beforeMs.postgres),
    },
  }
}
