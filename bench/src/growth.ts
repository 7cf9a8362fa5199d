import { startChild } from './child.ts'
import { pages } from './growth-pages.ts'
import type { LoadAsks } from './load-child.ts'
import { median } from './moments.ts'
import type { Options } from './options.ts'
import type { Postgres } from './postgres.ts'
import type { ReceiverAsks } from './receiver-child.ts'
import { type Contender, type Site, startEngine, sustainAccept, sustainPipeline } from './stage.ts'
import { atLeast, figure, type Row } from './table.ts'

const SUBSCRIPTIONS = 10_000

/** The engine on an empty database, and on one with many events, runs and subscriptions: they take turns. */
export async function growth(postgres: Postgres, options: Options): Promise<Row[]> {
  await using stack = new AsyncDisposableStack()
  const load = stack.use(startChild<LoadAsks>('./load-child.ts'))
  const receiver = stack.use(startChild<ReceiverAsks>('./receiver-child.ts'))
  const { port } = await receiver.ask('start', undefined)
  const appUrl = `http://127.0.0.1:${port}`
  const given = { postgres, appUrl, hangingUrl: `${appUrl}/hang`, profileDir: null }
  const small = await startEngine(stack, { ...given, database: 'bench_small' })
  const full = await startEngine(stack, { ...given, database: 'bench_full' })
  const many = await startEngine(stack, { ...given, database: 'bench_many' })
  process.stderr.write(`growth: storing ${figure(options.rows)} events and runs\n`)
  await storeEvents(postgres, 'bench_full', options.rows)
  await addSubscriptions(postgres, 'bench_many', SUBSCRIPTIONS)
  const stage = { postgres, load }
  const { port: fullPort, adminToken } = full.ready
  const looked = await pages(postgres, { database: 'bench_full', port: fullPort, token: adminToken })
  if (options.isPagesOnly) return looked
  return [
    ...looked,
    ...(await against(stage, options, `${figure(options.rows)} stored events and runs`, small.engine, full.engine)),
    ...(await against(stage, options, `${figure(SUBSCRIPTIONS)} more subscriptions`, small.engine, many.engine)),
  ]
}

async function against(
  stage: Site,
  options: Options,
  what: string,
  without: Contender,
  grown: Contender,
): Promise<Row[]> {
  const rows: Row[] = []
  for (const [name, sustain] of [
    ['accept', sustainAccept],
    ['pipeline', sustainPipeline],
  ] as const) {
    const rates: { without: number; grown: number }[] = []
    for (const each of [without, grown]) await sustain(stage, each, Math.min(3, options.seconds))
    for (let round = 0; round < options.rounds; round += 1) {
      rates.push({
        without: (await sustain(stage, without, options.seconds)).rate,
        grown: (await sustain(stage, grown, options.seconds)).rate,
      })
    }
    const ratio = median(rates.map((each) => each.grown / each.without))
    rows.push({
      what: `growth: ${name} with ${what}, events/s (bare: without)`,
      bare: figure(median(rates.map((each) => each.without))),
      engine: figure(median(rates.map((each) => each.grown))),
      ratio,
      goal: atLeast(0.9, ratio),
    })
  }
  return rows
}

const CHUNK = 250_000

/** Events of the last hours with a run and two node runs each, as the engine would have stored them. */
async function storeEvents(postgres: Postgres, database: string, count: number): Promise<void> {
  for (let from = 0; from < count; from += CHUNK) {
    await postgres.query(database, STORE, [from, Math.min(count, from + CHUNK) - 1, count])
  }
  await postgres.query(database, 'vacuum analyze')
}

const STORE = `
  with place as (
    select i.id as flow_instance_id, i.workspace_id, i.customer_id, i.flow_id, i.version_id, s.id as subscription_id, s.app_event_type_id,
           row_number() over (order by i.id) - 1 as at, count(*) over () as places
      from flow_instances i join flow_instance_triggers t on t.flow_instance_id = i.id
      join app_event_subscriptions s on s.id = t.app_event_subscription_id
  ), event as (
    select uuidv7((n - $3::bigint) * interval '30 milliseconds') as id, uuidv7((n - $3::bigint) * interval '30 milliseconds') as run_id,
           uuidv7((n - $3::bigint) * interval '30 milliseconds') as trigger_id, uuidv7((n - $3::bigint) * interval '30 milliseconds') as post_id, p.*
      from generate_series($1::bigint, $2::bigint) n join place p on p.at = n % p.places
  ), events as (
    insert into app_events (id, workspace_id, customer_id, app_event_type_id, subscription_id, payload)
    select id, workspace_id, customer_id, app_event_type_id, subscription_id, '{"orderId":4711,"note":"' || repeat('x', 200) || '"}' from event
  ), runs as (
    insert into flow_runs (id, workspace_id, customer_id, flow_instance_id, flow_id, version_id, start_node_key, app_event_id, launched_by,
      state, started_at, ended_at, node_counts)
    select run_id, workspace_id, customer_id, flow_instance_id, flow_id, version_id, 'trigger', id,
           '{"type":"app-event-trigger"}', 'completed', now(), now(), '{}' from event
  )
  insert into flow_node_runs (id, run_id, node_key, path, status, outputs, started_at, ended_at)
  select trigger_id, run_id, 'trigger', 'trigger', 'completed', null, now(), now() from event
  union all
  select post_id, run_id, 'post', 'trigger>0.post', 'completed', '[{}]', now(), now() from event`

/** Customers with one enabled flow each, as copies of one that is there. */
async function addSubscriptions(postgres: Postgres, database: string, count: number): Promise<void> {
  await postgres.query(database, SUBSCRIBE, [count])
  await postgres.query(database, 'vacuum analyze')
}

const SUBSCRIBE = `
  with model as (
    select i.*, t.node_key, s.app_event_type_id, s.status as subscription_status
      from flow_instances i join flow_instance_triggers t on t.flow_instance_id = i.id
      join app_event_subscriptions s on s.id = t.app_event_subscription_id join app_event_types a on a.id = s.app_event_type_id
     where a.key = 'order-created' limit 1
  ), more as (
    select uuidv7() as new_customer_id, uuidv7() as new_instance_id, uuidv7() as new_subscription_id, n, m.*
      from generate_series(1, $1::int) n cross join model m
  ), customer as (
    insert into customers (id, workspace_id, internal_id, name, created_at, updated_at)
    select new_customer_id, workspace_id, 'more-' || n, 'more-' || n, now(), now() from more
  ), subscription as (
    insert into app_event_subscriptions (id, workspace_id, customer_id, app_event_type_id, webhook_uuid, is_wanted, status, revision,
      created_at, updated_at)
    select new_subscription_id, workspace_id, new_customer_id, app_event_type_id, gen_random_uuid(), true, subscription_status,
           gen_random_uuid(), now(), now() from more
  ), instance as (
    insert into flow_instances (id, workspace_id, customer_id, flow_id, uuid, name, is_enabled, version_id, state, revision, created_at, updated_at)
    select new_instance_id, workspace_id, new_customer_id, flow_id, gen_random_uuid(), name, true, version_id, state,
           gen_random_uuid(), now(), now() from more
  )
  insert into flow_instance_triggers (flow_instance_id, node_key, app_event_type_id, customer_id, app_event_subscription_id)
  select new_instance_id, node_key, app_event_type_id, new_customer_id, new_subscription_id from more`
