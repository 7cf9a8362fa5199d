import { startChild } from './child.ts'
import type { ExternalAsks, ExternalReady } from './external-child.ts'
import type { LoadAsks } from './load-child.ts'
import { compare, latency, sampleMemory } from './measures.ts'
import { machineMs, type Spread, wait } from './moments.ts'
import type { Options } from './options.ts'
import { costliestStatements, cpuOfTree, type Postgres } from './postgres.ts'
import type { ReceiverAsks } from './receiver-child.ts'
import { type Bout, type Contender, CUSTOMERS, load, startBare, sustainPipeline } from './stage.ts'
import { atMost, figure, type Row } from './table.ts'

interface ExternalStage extends Bout, AsyncDisposable {
  ready: ExternalReady
}

const DATABASE = 'bench_external'

/** What the incoming half costs: webhooks through `handle` to a signed delivery, refreshes, and functions that misbehave. */
export async function external(postgres: Postgres, options: Options): Promise<Row[]> {
  const { measures } = options
  const rows: Row[] = []
  await using stage = await setStage(postgres, options)
  const memory = sampleMemory(stage)
  if (measures.has('webhooks')) {
    rows.push(...(await compare('webhooks', stage, options, memory)), ...memory.rows())
    rows.push(...(await latency(stage, 'webhooks: latency')))
  }
  if (measures.has('signatures')) rows.push(...(await signatures(stage, options)))
  if (measures.has('containment')) rows.push(...(await containment(stage)))
  if (measures.has('refreshes')) rows.push(...(await refreshes(stage)))
  if (measures.has('polls')) rows.push(...(await polls(stage)))
  if (options.hasStatements)
    process.stderr.write(
      `ms, of which planning, calls, ms per call, KiB of WAL\n${await costliestStatements(postgres, DATABASE)}\n`,
    )
  return rows
}

async function setStage(postgres: Postgres, options: Options): Promise<ExternalStage> {
  await using stack = new AsyncDisposableStack()
  const loading = stack.use(startChild<LoadAsks>('./load-child.ts'))
  const receiver = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const { port: receiverPort } = await receiver.ask('start', undefined)
  const bare = await startBare(stack, postgres, receiverPort, { database: 'bench_bare_webhooks', pipeline: '/webhook' })
  const flags = options.profileDir === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profileDir}`]
  const child = stack.use(startChild<ExternalAsks>('./external-child.ts', flags))
  const ready = await child.ask('start', {
    databaseUrl: await postgres.create(DATABASE),
    receiverUrl: `http://127.0.0.1:${receiverPort}`,
    customers: CUSTOMERS,
  })
  const ownMs = async () => (await child.ask('usage', undefined)).cpuMs
  let lastOwnMs = await ownMs()
  const engine: Contender = {
    name: 'engine',
    database: DATABASE,
    port: ready.port,
    accept: [],
    pipeline: ready.usual.map((path) => ({ path, token: 'none' })),
    async usage() {
      const usage = await child.ask('usage', undefined)
      lastOwnMs = usage.cpuMs
      return usage
    },
    functionsMs: () => cpuOfTree(child.pid) - lastOwnMs,
    async finished() {
      const { completed, others } = await child.ask('finished', undefined)
      if (others > 0) throw new Error(`${others} deliveries failed`)
      return completed
    },
  }
  const all = stack.move()
  return { postgres, bare, engine, ready, receiver, load: loading, [Symbol.asyncDispose]: () => all.disposeAsync() }
}

/** Webhook, `verify`, signed delivery: what each kind of signature takes, beside none. */
async function signatures(stage: ExternalStage, { seconds }: Options): Promise<Row[]> {
  const rows: Row[] = []
  const ways = { none: stage.engine.pipeline.slice(0, 20), ...stage.ready.signed }
  for (const [way, pipeline] of Object.entries(ways)) {
    const contender = { ...stage.engine, pipeline }
    await sustainPipeline(stage, contender, 2)
    const { rate, cpuUs, latency: answer } = await sustainPipeline(stage, contender, seconds)
    rows.push({
      what: `signatures, ${way}: events/s; answer p50 ms; CPU µs per event of the engine, of the sandbox`,
      engine: `${figure(rate)}; ${figure(answer.p50)}; ${figure(cpuUs.server)}, ${figure(cpuUs.functions)}`,
    })
  }
  return rows
}

const BESIDE_RATE = 100
const BESIDE_SECONDS = 12
const MISBEHAVING_RATE = 20

/** Webhooks of the usual subscriptions at a modest rate, alone; then beside functions that take all the time they can get. */
async function containment(stage: ExternalStage): Promise<Row[]> {
  const { ready } = stage
  const { port } = stage.engine
  await webhooksWhile(stage, () => wait(3000))
  const alone = await webhooksWhile(stage, () => wait(BESIDE_SECONDS * 1000))
  const beside = async (...paths: string[]) => {
    const misbehaving = load(stage, {
      port,
      targets: paths.map((path) => ({ path, token: 'none' })),
      seconds: BESIDE_SECONDS,
      connections: 500,
      pace: { kind: 'open', batch: 1, everyMs: 1000 / MISBEHAVING_RATE },
    })
    return webhooksWhile(stage, () => misbehaving)
  }
  const looping = await beside(ready.looping)
  const computing = await beside(ready.computing)
  const all = await beside(ready.looping, ready.computing, ...ready.hostile)
  return [
    besideRow(`webhooks beside ${MISBEHAVING_RATE} calls/s of a function that loops`, alone, looping),
    besideRow(`webhooks beside ${MISBEHAVING_RATE} calls/s of a function that computes for 60 ms`, alone, computing),
    besideRow(
      `webhooks beside ${MISBEHAVING_RATE} calls/s of functions that misbehave in ${2 + ready.hostile.length} ways`,
      alone,
      all,
    ),
  ]
}

const SUBSCRIPTIONS = 10_000
const CONNECTIONS = 1000
/** Whatever is not refreshed by then is not waited for. */
const REFRESH_SECONDS_MAX = 45

/** Ten thousand subscriptions that are due at the same moment, and what webhooks of others notice of it. */
async function refreshes(stage: ExternalStage): Promise<Row[]> {
  const { postgres, receiver } = stage
  await postgres.query(DATABASE, SUBSCRIBE, [SUBSCRIPTIONS, CONNECTIONS])
  await postgres.query(DATABASE, 'vacuum analyze')
  await webhooksWhile(stage, () => wait(3000))
  const alone = await webhooksWhile(stage, () => wait(BESIDE_SECONDS * 1000))
  let sums = { untilFirst: Number.NaN, seconds: Number.NaN, done: 0, cpuMs: 0 }
  const beside = await webhooksWhile(stage, async () => {
    await postgres.query('postgres', 'checkpoint')
    const cpuMs = async () => (await stage.engine.usage()).cpuMs + (stage.engine.functionsMs?.() ?? 0)
    const beforeMs = await cpuMs()
    const beganMs = machineMs()
    await postgres.query(DATABASE, DUE)
    while ((await receiver.ask('countAt', { path: '/refresh' })) === 0) await wait(20)
    const firstMs = machineMs()
    let waiting = SUBSCRIPTIONS
    while (waiting > 0 && machineMs() - firstMs < REFRESH_SECONDS_MAX * 1000) {
      await wait(200)
      waiting = await waitingRefreshes(postgres)
    }
    sums = {
      untilFirst: (firstMs - beganMs) / 1000,
      seconds: (machineMs() - firstMs) / 1000,
      done: SUBSCRIPTIONS - waiting,
      cpuMs: (await cpuMs()) - beforeMs,
    }
  })
  const { untilFirst, seconds, done, cpuMs } = sums
  return [
    {
      what: `refreshes: of ${figure(SUBSCRIPTIONS)} due at once on ${figure(CONNECTIONS)} connections, done, in s after the first`,
      engine: `${figure(done)} in ${figure(seconds)}, the first after ${figure(untilFirst)}`,
    },
    {
      what: 'refreshes: calls of the app per second; engine and sandbox CPU ms each, webhooks beside included',
      engine: `${figure(done / seconds)}; ${figure(cpuMs / done)}`,
    },
    besideRow('webhooks beside these refreshes', alone, beside),
  ]
}

/** Ten thousand subscriptions of apps that have to be asked, due at the same moment, and what webhooks of others notice. */
async function polls(stage: ExternalStage): Promise<Row[]> {
  const { postgres, receiver } = stage
  await postgres.query(DATABASE, SUBSCRIBE_POLLED, [SUBSCRIPTIONS, CONNECTIONS])
  await postgres.query(DATABASE, 'vacuum analyze')
  await webhooksWhile(stage, () => wait(3000))
  const alone = await webhooksWhile(stage, () => wait(BESIDE_SECONDS * 1000))
  let asked = 0
  const beside = await webhooksWhile(stage, async () => {
    await postgres.query(DATABASE, POLLS_DUE)
    await wait(POLL_SECONDS * 1000)
    asked = await receiver.ask('countAt', { path: '/poll' })
  })
  return [
    {
      what: `polls: of ${figure(SUBSCRIPTIONS)} due at once, apps asked per second, spread over time`,
      engine: figure(asked / POLL_SECONDS),
    },
    besideRow('webhooks beside these polls', alone, beside, 1.5),
  ]
}

const POLL_SECONDS = 30

async function waitingRefreshes(postgres: Postgres): Promise<number> {
  const [row] = await postgres.query<{ count: number }>(
    DATABASE,
    `select count(*)::float8 as count from external_event_subscriptions where next_refresh_at < now()`,
  )
  return row?.count ?? Number.NaN
}

/** Latency from request to receiver while `work` lasts, at a rate that leaves room. */
async function webhooksWhile(stage: ExternalStage, work: () => Promise<unknown>): Promise<Spread> {
  const { engine, receiver } = stage
  await receiver.ask('forget', undefined)
  let isOver = false
  let accepted = 0
  async function loadUntilOver(): Promise<void> {
    while (!isOver) {
      const result = await load(stage, {
        port: engine.port,
        targets: engine.pipeline,
        seconds: 1,
        pace: { kind: 'open', batch: 1, everyMs: 1000 / BESIDE_RATE },
      })
      if (result.refused > 0) throw new Error(`${result.refused} webhooks were refused`)
      accepted += result.accepted
    }
  }
  const over = work().finally(() => {
    isOver = true
  })
  await Promise.all([over, loadUntilOver()])
  const deadline = machineMs() + 30_000
  while ((await receiver.ask('countAt', { path: '/in' })) < accepted) {
    if (machineMs() > deadline) throw new Error('events of webhooks were not delivered')
    await wait(20)
  }
  return (await receiver.ask('arrivedAt', { path: '/in' })).latency
}

function besideRow(what: string, alone: Spread, beside: Spread, most = 2): Row {
  const ratio = beside.p95 / alone.p95
  const spread = ({ p50, p95 }: Spread) => `${figure(p50)} / ${figure(p95)}`
  return {
    what: `${what}: p50 / p95 ms, alone → beside`,
    engine: `${spread(alone)} → ${spread(beside)}`,
    ratio,
    goal: atMost(most, ratio, ''),
  }
}

/** Subscriptions on connections of their own customer, as copies of one that is there; not due yet. */
const SUBSCRIBE = `
  with model as (
    select s.*, n.connector_id, n.auth_option_key, n.credentials_sealed, n.input_sealed
      from external_event_subscriptions s join connections n on n.id = s.connection_id
      join external_event_types t on t.id = s.external_event_type_id where t.key = 'order' limit 1
  ), customer as (
    insert into customers (id, workspace_id, internal_id, name, created_at, updated_at)
    select uuidv7(), workspace_id, 'refreshed', 'refreshed', now(), now() from model returning id
  ), connection as (
    insert into connections (id, workspace_id, customer_id, integration_id, connector_id, auth_option_key, uuid, name, credentials_sealed,
      input_sealed, revision, created_at, updated_at)
    select uuidv7(), m.workspace_id, c.id, m.integration_id, m.connector_id, m.auth_option_key, gen_random_uuid(), 'of ' || n,
           m.credentials_sealed, m.input_sealed, gen_random_uuid(), now(), now()
      from generate_series(1, $2::int) n cross join model m cross join customer c
    returning id, customer_id
  ), place as (select id, customer_id, row_number() over () as at from connection)
  insert into external_event_subscriptions (id, workspace_id, customer_id, connection_id, integration_id, external_event_type_id, parameters,
    parameters_hash, name, webhook_uuid, is_wanted, is_manual, status, is_registered, state_sealed, state_version, subscribed_by, revision,
    created_at, updated_at)
  select uuidv7(), m.workspace_id, p.customer_id, p.id, m.integration_id, m.external_event_type_id, m.parameters, m.parameters_hash,
         'refreshed ' || n, gen_random_uuid(), true, true, m.status, true, m.state_sealed, m.state_version, m.subscribed_by,
         gen_random_uuid(), now(), now()
    from generate_series(1, $1::int) n cross join model m join place p on p.at = 1 + n % $2::int`

/** The same of a connector's own event that is asked for. */
const SUBSCRIBE_POLLED = SUBSCRIBE.replaceAll('refreshed', 'polled')
  .replace(
    "join external_event_types t on t.id = s.external_event_type_id where t.key = 'order'",
    "where s.event_key = 'polled'",
  )
  .replace('subscribed_by, revision,', 'subscribed_by, event_key, pull_strategy, pull_interval_seconds, revision,')
  .replace('m.subscribed_by,', 'm.subscribed_by, m.event_key, m.pull_strategy, m.pull_interval_seconds,')
  .replace("'polled', 'polled', now()", "'all polled', 'all polled', now()")

const POLLS_DUE = "update external_event_subscriptions set pull_due_at = now() where name like 'polled %'"

const DUE = `
  update external_event_subscriptions set next_refresh_at = now(), refresh_due_at = now() where name like 'refreshed %'`
