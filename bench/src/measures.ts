import { median, type Spread, wait } from './moments.ts'
import type { Options } from './options.ts'
import { type Bout, finishedUpTo, load, type Stage, type Sustained, sustainAccept, sustainPipeline } from './stage.ts'
import { atLeast, atMost, figure, type Row } from './table.ts'

/** `accept`, `pipeline`, `webhooks`: bare and engine take turns; the ratio is the median of the rounds' ratios. */
export async function compare(
  what: 'accept' | 'pipeline' | 'webhooks',
  stage: Bout,
  options: Options,
  memory: MemorySamples,
): Promise<Row[]> {
  const sustain = what === 'accept' ? sustainAccept : sustainPipeline
  const bares: Sustained[] = []
  const engines: Sustained[] = []
  for (const contender of [stage.bare, stage.engine]) await sustain(stage, contender, Math.min(3, options.seconds))
  for (let round = 0; round < options.rounds; round += 1) {
    bares.push(await sustain(stage, stage.bare, options.seconds))
    engines.push(await memory.during(() => sustain(stage, stage.engine, options.seconds)))
    process.stderr.write(`${what}: ${figure(bares.at(-1)?.rate ?? 0)} and ${figure(engines.at(-1)?.rate ?? 0)} per s\n`)
  }
  const of = (list: readonly Sustained[], pick: (each: Sustained) => number) => median(list.map(pick))
  const both = (pick: (each: Sustained) => number) => ({
    bare: figure(of(bares, pick)),
    engine: figure(of(engines, pick)),
  })
  const quantiles = (list: readonly Sustained[]) =>
    [of(list, (s) => s.latency.p50), of(list, (s) => s.latency.p95), of(list, (s) => s.latency.p99)]
      .map(figure)
      .join(' / ')
  const ratio = median(engines.map((each, round) => each.rate / (bares[round]?.rate ?? Number.NaN)))
  const cpuOf = (each: Sustained) => each.cpuUs.server + each.cpuUs.functions + each.cpuUs.postgres
  const rate = of(engines, (s) => s.rate)
  const goals = { accept: atLeast(0.8, ratio), pipeline: atLeast(0.6, ratio), webhooks: atLeast(1000, rate) }
  return [
    {
      what: `${what}: events/s`,
      ...both((s) => s.rate),
      ratio,
      goal: goals[what],
    },
    { what: `${what}: answer p50 / p95 / p99 ms`, bare: quantiles(bares), engine: quantiles(engines) },
    { what: `${what}: server CPU µs per event`, ...both((s) => s.cpuUs.server) },
    ...(stage.engine.functionsMs === undefined
      ? []
      : [{ what: `${what}: CPU µs per event of the sandbox`, engine: figure(of(engines, (s) => s.cpuUs.functions)) }]),
    { what: `${what}: PostgreSQL CPU µs per event`, ...both((s) => s.cpuUs.postgres) },
    { what: `${what}: all CPU, bare / engine`, engine: '', ratio: of(bares, cpuOf) / of(engines, cpuOf) },
  ]
}

const LATENCY_RATE = 200
const LATENCY_SECONDS = 15

/** From request to arrival at the receiver, at a rate that leaves room. */
export async function latency(stage: Bout, what = 'latency'): Promise<Row[]> {
  const spreads = []
  for (const contender of [stage.bare, stage.engine]) {
    await stage.receiver.ask('forget', undefined)
    const before = await contender.finished()
    const { accepted } = await load(stage, {
      port: contender.port,
      targets: contender.pipeline,
      seconds: LATENCY_SECONDS,
      pace: { kind: 'open', batch: 1, everyMs: 1000 / LATENCY_RATE },
    })
    await finishedUpTo(contender, before + accepted)
    spreads.push((await stage.receiver.ask('arrivedAt', { path: '/in' })).latency)
  }
  const [bare, engine] = spreads
  if (bare === undefined || engine === undefined) throw new Error('both were measured')
  return [
    {
      what: `${what} at ${LATENCY_RATE}/s to the receiver: p50 ms`,
      bare: figure(bare.p50),
      engine: figure(engine.p50),
      goal: atMost(10, engine.p50, ' ms'),
    },
    {
      what: `${what} at ${LATENCY_RATE}/s to the receiver: p95 ms`,
      bare: figure(bare.p95),
      engine: figure(engine.p95),
      goal: atMost(40, engine.p95, ' ms'),
    },
  ]
}

const IDLE_SECONDS = 15
/** An idle connection reports what it did up to 10 s later, and autovacuum looks around every 15 s. */
const SETTLE_MS = 12_000

/** What an engine with nothing to do costs. */
export async function idle(stage: Stage): Promise<Row[]> {
  await wait(SETTLE_MS)
  const transactions = async () => {
    const [row] = await stage.postgres.query<{ count: number }>(
      'postgres',
      'select (xact_commit + xact_rollback)::float8 as count from pg_stat_database where datname = $1',
      [stage.engine.database],
    )
    return row?.count ?? Number.NaN
  }
  const before = { usage: await stage.engine.usage(), transactions: await transactions() }
  await wait(IDLE_SECONDS * 1000)
  const cpuMs = (await stage.engine.usage()).cpuMs - before.usage.cpuMs
  const perSecond = ((await transactions()) - before.transactions) / IDLE_SECONDS
  const percent = cpuMs / (IDLE_SECONDS * 10)
  return [
    { what: 'idle: CPU %', engine: percent.toFixed(2), goal: { text: '< 1', isMet: percent < 1 } },
    { what: 'idle: queries/s', engine: perSecond.toFixed(1), goal: { text: '< 5', isMet: perSecond < 5 } },
  ]
}

/** RSS of the engine while it is under load. */
export interface MemorySamples {
  during<T>(work: () => Promise<T>): Promise<T>
  rows(): Row[]
}

const SAMPLE_MS = 250
const MIB = 1024 * 1024

export function sampleMemory(stage: Pick<Bout, 'engine'>): MemorySamples {
  const samples: number[] = []
  const sample = async () => {
    samples.push((await stage.engine.usage()).rssBytes / MIB)
  }
  return {
    async during(work) {
      const timer = setInterval(() => void sample().catch(() => {}), SAMPLE_MS)
      try {
        await sample()
        return await work()
      } finally {
        clearInterval(timer)
        await sample()
      }
    },
    rows() {
      if (samples.length === 0) return []
      const max = Math.max(...samples)
      const ends = `${figure(samples[0] ?? 0)} / ${figure(max)} / ${figure(samples.at(-1) ?? 0)}`
      return [{ what: 'memory: RSS MiB at start / most / end', engine: ends, goal: atMost(250, max, ' MiB') }]
    },
  }
}

const FAIR_SECONDS = 15
const FAIR_RATE = 100
const HANGING_BACKLOG = 4000
const BURST = { batch: 300, everyMs: 1000 }

/**
 * Twenty healthy customers at a modest rate, alone; then beside one whose receiver never answers, with a backlog, and
 * one that posts bursts.
 */
export async function fairness(stage: Stage): Promise<Row[]> {
  const { engine, ready } = stage
  const { port } = engine
  const healthy = async (): Promise<Spread> => {
    await stage.receiver.ask('forget', undefined)
    const { accepted } = await load(stage, {
      port,
      targets: engine.pipeline,
      seconds: FAIR_SECONDS,
      pace: { kind: 'open', batch: 1, everyMs: 1000 / FAIR_RATE },
    })
    while ((await stage.receiver.ask('countAt', { path: '/in' })) < accepted) await wait(20)
    return (await stage.receiver.ask('arrivedAt', { path: '/in' })).latency
  }
  const alone = await healthy()
  const hanging = [{ path: ready.paths.hanging, token: ready.hangingToken }]
  await load(stage, { port, targets: hanging, seconds: 60, countMax: HANGING_BACKLOG })
  const loud = [{ path: ready.paths.loud, token: ready.loudToken }]
  const [beside, bursts] = await Promise.all([
    healthy(),
    load(stage, { port, targets: loud, seconds: FAIR_SECONDS, pace: { kind: 'open', ...BURST } }),
  ])
  const ratio = beside.p95 / alone.p95
  return [
    {
      what: 'fairness: healthy customers, p50 / p95 ms, alone → beside a hanging and a loud one',
      engine: `${figure(alone.p50)} / ${figure(alone.p95)} → ${figure(beside.p50)} / ${figure(beside.p95)}`,
      ratio,
      goal: atMost(2, ratio, ''),
    },
    {
      what: `fairness: events of the hanging and the loud one`,
      engine: `${figure(HANGING_BACKLOG)} waiting, ${figure(bursts.accepted)} in bursts of ${BURST.batch}`,
    },
  ]
}
