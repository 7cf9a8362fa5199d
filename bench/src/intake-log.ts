import { startNatsCluster } from '../../testkit/src/nats-cluster.ts'
import { startChild } from './child.ts'
import type { LoadAsks } from './load-child.ts'
import { machineMs, median, wait } from './moments.ts'
import type { Options } from './options.ts'
import type { Postgres } from './postgres.ts'
import type { ReceiverAsks } from './receiver-child.ts'
import { type Contender, load, type Site, type Sustained, startEngine, sustainAccept } from './stage.ts'
import { atLeast, atMost, figure, type Row } from './table.ts'

const LOG_BYTES = 256 * 1024 * 1024
/** What a commit leaves to be told of does not fall on who comes next. */
const SETTLE_MS = 1000

const LATENCY_RATE = 200
const LATENCY_SECONDS = 15

/**
 * Rows that the table of events takes in a second where it is held back, one transaction after the other. Two cores bear
 * three times as much beside three servers of NATS.
 */
const HELD_TO = 600
const BURST_TIMES = 3
const BURST_SECONDS = 60

/** Taking in by three servers of NATS on this machine, beside the same engine that writes straight into the database. */
export async function intakeLog(postgres: Postgres, options: Options): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const nats = stack.use(await startNatsCluster())
  const receiver = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const { port } = await receiver.ask('start', undefined)
  const url = `http://127.0.0.1:${port}`
  const site: Site = { postgres, load: stack.use(startChild<LoadAsks>('./load-child.ts')) }
  const shared = { postgres, appUrl: url, hangingUrl: `${url}/hang`, profileDir: options.profileDir }
  const { engine: direct } = await startEngine(stack, { ...shared, database: 'bench_direct' })
  const place = { url: nats.url, prefix: 'bench', replicas: 3, bytesMax: LOG_BYTES }
  const { engine: logged, applied } = await startEngine(stack, {
    ...shared,
    database: 'bench_logged',
    intakeLog: place,
  })
  const turns = await inTurns(site, { direct, logged, applied }, options)
  return [
    ...turns,
    ...(await latencies(site, { direct, logged, applied })),
    ...(await burst(site, { direct, logged, applied })),
  ]
}

interface Both {
  direct: Contender
  logged: Contender
  /** Resolves when everything taken in by the log is in the database. */
  applied(): Promise<void>
}

async function inTurns(site: Site, { direct, logged, applied }: Both, options: Options): Promise<Row[]> {
  const turn = async (contender: Contender, seconds: number): Promise<Sustained & { appliedRate: number }> => {
    const result = await sustainAccept(site, contender, seconds)
    if (contender === logged) await applied()
    const appliedRate = result.accepted / ((machineMs() - result.startedAtMs) / 1000)
    await wait(SETTLE_MS)
    return { ...result, appliedRate }
  }
  for (const contender of [direct, logged]) await turn(contender, Math.min(3, options.seconds))
  const [directs, loggeds]: Awaited<ReturnType<typeof turn>>[][] = [[], []]
  for (let round = 0; round < options.rounds; round += 1) {
    directs?.push(await turn(direct, options.seconds))
    loggeds?.push(await turn(logged, options.seconds))
    const rates = [directs, loggeds].map((list) => figure(list?.at(-1)?.rate ?? 0))
    process.stderr.write(`intake-log: ${rates.join(' and ')} per s\n`)
  }
  const of = (list: typeof directs, pick: (each: Awaited<ReturnType<typeof turn>>) => number) =>
    median((list ?? []).map(pick))
  const both = (pick: (each: Awaited<ReturnType<typeof turn>>) => number) => ({
    bare: figure(of(directs, pick)),
    engine: figure(of(loggeds, pick)),
  })
  const ratio = median((loggeds ?? []).map((each, round) => each.rate / (directs?.[round]?.rate ?? Number.NaN)))
  return [
    {
      what: 'intake log beside direct: events/s taken in',
      ...both((each) => each.rate),
      ratio,
      goal: atLeast(0.7, ratio),
    },
    {
      what: 'intake log beside direct: events/s until the last is in the database',
      ...both((each) => each.appliedRate),
    },
    { what: 'intake log beside direct: server CPU µs per event', ...both((each) => each.cpuUs.server) },
    { what: 'intake log beside direct: PostgreSQL CPU µs per event', ...both((each) => each.cpuUs.postgres) },
  ]
}

/** How long an answer takes at a rate that leaves room. */
async function latencies(site: Site, { direct, logged, applied }: Both): Promise<Row[]> {
  const at = async ({ port, accept }: Contender) => {
    const pace = { kind: 'open', batch: 1, everyMs: 1000 / LATENCY_RATE } as const
    const result = await load(site, { port, targets: accept, seconds: LATENCY_SECONDS, pace })
    if (result.refused > 0) throw new Error(`${result.refused} events were refused`)
    return result.latency
  }
  const [bare, engine] = [await at(direct), await at(logged)]
  await applied()
  const said = (spread: typeof bare) => [spread.p50, spread.p95, spread.p99].map(figure).join(' / ')
  return [
    {
      what: `intake log beside direct: answer at ${LATENCY_RATE}/s, p50 / p95 / p99 ms`,
      bare: said(bare),
      engine: said(engine),
      goal: atMost(25, engine.p95, ' ms'),
    },
  ]
}

/** A minute at three times what the database writes, which is held back so that it is what there is least of. */
async function burst(site: Site, { direct, logged, applied }: Both): Promise<Row[]> {
  for (const { database } of [direct, logged]) await holdBack(site.postgres, database)
  const { rate: written } = await sustainAccept(site, direct, 10)
  const rows = async () => {
    const [row] = await site.postgres.query<{ n: number }>(logged.database, 'select count(*)::int as n from app_events')
    return row?.n ?? Number.NaN
  }
  const before = await rows()
  const perSecond = Math.ceil(written * BURST_TIMES)
  const count = perSecond * BURST_SECONDS
  const { port, accept } = logged
  const result = await load(site, {
    ...{ port, targets: accept, seconds: BURST_SECONDS + 60, countMax: count },
    pace: { kind: 'open', batch: 1, everyMs: 1000 / perSecond },
  })
  const takenIn = result.seconds
  await applied()
  const seconds = (machineMs() - result.startedAtMs) / 1000
  const stored = (await rows()) - before
  const isWhole = result.refused === 0 && result.accepted === stored
  return [
    {
      what: `burst through the log: ${BURST_TIMES} × ${figure(written)}/s, which is what the database writes: refused of ${figure(result.accepted + result.refused)}`,
      engine: figure(result.refused),
      goal: { text: '0', isMet: isWhole },
    },
    {
      what: 'burst through the log: taken in in s / in the database after s / rows',
      engine: `${figure(takenIn)} / ${figure(seconds)} / ${figure(stored)}`,
    },
    {
      what: 'burst through the log: answer p50 / p95 / p99 ms',
      engine: [result.latency.p50, result.latency.p95, result.latency.p99].map(figure).join(' / '),
    },
  ]
}

/** From here on events are written one transaction after the other, each row taking its share of a second. */
async function holdBack(postgres: Postgres, database: string): Promise<void> {
  const run = (text: string) => postgres.query(database, text)
  await run(`create function hold_back() returns trigger language plpgsql as $$
    begin
      perform pg_advisory_xact_lock(1);
      perform pg_sleep((select count(*) from those) / ${HELD_TO}.0);
      return null;
    end $$`)
  await run(`create trigger hold_back after insert on app_events referencing new table as those
    for each statement execute function hold_back()`)
}
