import path from 'node:path'
import { type Child, startChild } from './child.ts'
import { defineExternal, subscribe, USUAL } from './external-scene.ts'
import { defineInternal, enable } from './internal-scene.ts'
import type { Load, LoadAsks, Target } from './load-child.ts'
import { machineMs, median, wait } from './moments.ts'
import type { Measure, Options } from './options.ts'
import type { Postgres } from './postgres.ts'
import type { ReceiverAsks } from './receiver-child.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { figure } from './table.ts'
import { checkOut, HERE } from './tree.ts'

const AGAINST_MEASURES = ['accept', 'pipeline', 'webhooks'] as const satisfies readonly Measure[]
type What = (typeof AGAINST_MEASURES)[number]

const CUSTOMERS = 64
const CONNECTIONS = 64
const EVENT_BYTES = 1024
/** The compiler of JavaScript is at work until about so many events. */
const WARM_UP = 8000
const SAMPLE_MS = 250
const MIB = 1024 * 1024
/** What is written with some delay belongs to those that were measured, not to who comes next. */
const AFTERMATH_MS = 400
const DRAIN_SECONDS_MAX = 300

/** One of two that take turns: processes of one tree on one database. */
interface Side {
  name: string
  servers: readonly ServerProcess[]
  targets: Record<What, readonly Target[]>
}

/** What one load came to, per event where nothing else is said. */
interface Figures {
  'events/s': number
  'WAL bytes': number
  'PostgreSQL CPU µs': number
  'engine CPU µs': number
  'sandbox CPU µs': number
  'RSS MiB, most': number
}

interface Stage {
  postgres: Postgres
  load: Child<LoadAsks>
}

/**
 * This tree beside another revision, or several processes beside one, by turns on one PostgreSQL: every figure with its
 * ratio, the median of the rounds'. Servers are started as operators start them.
 */
export async function against(postgres: Postgres, options: Options): Promise<string> {
  await using stack = new AsyncDisposableStack()
  const load = stack.use(startChild<LoadAsks>('./load-child.ts'))
  const receiver = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const { port } = await receiver.ask('start', undefined)
  const open = (name: string, dir: string, processes: number, env: Readonly<Record<string, string>> = {}) =>
    openSide(stack, postgres, {
      name,
      dir,
      processes,
      env,
      receiverUrl: `http://127.0.0.1:${port}`,
      isPinned: options.isPinned,
    })
  if (options.hasTraces) {
    const without = await open('without traces', HERE, options.processes)
    const traced = await open('traced', HERE, options.processes, tracesTo(`http://127.0.0.1:${port}`))
    return await tableOfTurns({ postgres, load }, [without, traced], options)
  }
  const tree = options.against === null ? null : stack.use(await checkOut(options.against))
  const first = await (tree === null ? open('one process', HERE, 1) : open(tree.commit, tree.dir, options.processes))
  const second = await open(tree === null ? `${options.processes} processes` : 'this tree', HERE, options.processes)
  return await tableOfTurns({ postgres, load }, [first, second], options)
}

async function tableOfTurns(stage: Stage, sides: readonly [Side, Side], options: Options): Promise<string> {
  const [first, second] = sides
  const lines = [`| per event | ${first.name} | ${second.name} | ratio |`, '|---|---|---|---|']
  for (const what of AGAINST_MEASURES)
    if (options.measures.has(what)) lines.push(...(await byTurns(stage, what, sides, options)))
  return lines.join('\n')
}

/** What an operator sets to have traces; the receiver takes them as it takes everything. */
function tracesTo(url: string): Record<string, string> {
  const { OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: share } = process.env
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    ...(sampler === undefined ? {} : { OTEL_TRACES_SAMPLER: sampler }),
    ...(share === undefined ? {} : { OTEL_TRACES_SAMPLER_ARG: share }),
  }
}

async function openSide(
  stack: AsyncDisposableStack,
  postgres: Postgres,
  given: {
    name: string
    dir: string
    processes: number
    receiverUrl: string
    isPinned: boolean
    env: Readonly<Record<string, string>>
  },
): Promise<Side> {
  const database = `bench_${given.name.replaceAll(/\W/g, '_')}`
  const databaseUrl = await postgres.create(database)
  const servers: ServerProcess[] = []
  for (let index = 0; index < given.processes; index += 1) {
    const dataDir = path.join(postgres.dir, `${database}-${index}`)
    servers.push(
      stack.use(
        await startServer({
          ...{ dir: given.dir, databaseUrl, dataDir, env: given.env },
          core: given.isPinned ? index : null,
        }),
      ),
    )
  }
  const [server] = servers
  if (server === undefined) throw new Error('a side has at least one process')
  await server.admin.workspaces.patch({ params: { id: 'bench' }, body: { appBaseUri: given.receiverUrl } })
  // Each process names URLs by its own address, and takes them all.
  const paths = await defineInternal(server.admin, server.url, `${given.receiverUrl}/hang`)
  const names = Array.from({ length: CUSTOMERS }, (_, index) => `customer-${index}`)
  for (const name of names) await enable(await server.as(name), 'to-your-app')
  await defineExternal(server.admin, given.receiverUrl, USUAL)
  const webhooks: string[] = []
  for (const name of names) webhooks.push(await subscribe(server, name, 'order', `${given.receiverUrl}/in`))
  const tokens = names.map((id) => server.tokenOf({ id }))
  return {
    name: given.name,
    servers,
    targets: {
      accept: tokens.map((token) => ({ path: paths.nobodyWants, token })),
      pipeline: tokens.map((token) => ({ path: paths.toYourApp, token })),
      webhooks: webhooks.map((each) => ({ path: each, token: 'none' })),
    },
  }
}

/** Both by turns, each first every other time. */
async function byTurns(
  stage: Stage,
  what: What,
  sides: readonly [Side, Side],
  { rounds, events }: Options,
): Promise<string[]> {
  // Once, so that no load pays for pages that the one before it wrote first after a checkpoint.
  await stage.postgres.query('postgres', 'checkpoint')
  for (const side of sides) await sustain(stage, what, side, WARM_UP)
  const all = new Map<Side, Figures[]>(sides.map((side) => [side, []]))
  for (let round = 0; round < rounds; round += 1) {
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      const figures = await sustain(stage, what, side, events)
      all.get(side)?.push(figures)
      process.stderr.write(
        `${what}, ${side.name}: ${JSON.stringify(figures, (_, each) => (typeof each === 'number' ? Math.round(each) : each))}\n`,
      )
    }
  }
  const [first = [], second = []] = sides.map((side) => all.get(side))
  const keys = Object.keys(first[0] ?? {}) as (keyof Figures)[]
  return keys.flatMap((key) => {
    const of = (list: readonly Figures[]) => median(list.map((each) => each[key]))
    if (!(of(first) > 0)) return []
    const ratio = median(second.map((each, round) => each[key] / (first[round]?.[key] ?? Number.NaN)))
    return [`| ${what}: ${key} | ${figure(of(first))} | ${figure(of(second))} | ${ratio.toFixed(2)} |`]
  })
}

async function sustain(stage: Stage, what: What, side: Side, events: number): Promise<Figures> {
  const { postgres } = stage
  const { targets, servers } = side
  const before = {
    done: await doneBy(side, what),
    usage: usageOf(side),
    pgMs: postgres.cpuMs(),
    wal: await walBytes(postgres),
  }
  let rssBytes = 0
  const sampler = setInterval(() => {
    rssBytes = Math.max(rssBytes, usageOf(side).rssBytes)
  }, SAMPLE_MS)
  const load: Load = {
    port: servers.map((each) => each.port),
    targets: targets[what],
    connections: CONNECTIONS,
    bytes: EVENT_BYTES,
    pace: { kind: 'closed' },
    seconds: DRAIN_SECONDS_MAX,
    countMax: events,
  }
  const { accepted, refused, startedAtMs } = await stage.load.ask('run', load)
  if (refused > 0) throw new Error(`${side.name}: ${refused} events were refused`)
  while (what !== 'accept' && (await doneBy(side, what)) < before.done + accepted) {
    if (machineMs() - startedAtMs > DRAIN_SECONDS_MAX * 1000) throw new Error(`${side.name}: events are not finished`)
    await wait(10)
  }
  const seconds = (machineMs() - startedAtMs) / 1000
  clearInterval(sampler)
  await wait(AFTERMATH_MS)
  const usage = usageOf(side)
  const perEvent = (ms: number) => (ms * 1000) / accepted
  return {
    'events/s': accepted / seconds,
    'WAL bytes': ((await walBytes(postgres)) - before.wal) / accepted,
    'PostgreSQL CPU µs': perEvent(postgres.cpuMs() - before.pgMs),
    'engine CPU µs': perEvent(usage.ownMs - before.usage.ownMs),
    'sandbox CPU µs': what === 'webhooks' ? perEvent(usage.childrenMs - before.usage.childrenMs) : 0,
    'RSS MiB, most': rssBytes / MIB,
  }
}

function usageOf({ servers }: Side): ReturnType<ServerProcess['usage']> {
  const usages = servers.map((each) => each.usage())
  return {
    ownMs: usages.reduce((sum, each) => sum + each.ownMs, 0),
    childrenMs: usages.reduce((sum, each) => sum + each.childrenMs, 0),
    rssBytes: Math.max(...usages.map((each) => each.rssBytes)),
  }
}

async function doneBy({ servers }: Side, what: What): Promise<number> {
  const counts = await Promise.all(
    servers.map((each) =>
      what === 'webhooks'
        ? each.counted('permea_delivery_attempts_total', 'acknowledged')
        : each.counted('permea_flow_runs_finished_total', 'completed'),
    ),
  )
  return counts.reduce((sum, each) => sum + each, 0)
}

async function walBytes(postgres: Postgres): Promise<number> {
  const [row] = await postgres.query<{ bytes: number }>(
    'postgres',
    `select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8 as bytes`,
  )
  return row?.bytes ?? Number.NaN
}
