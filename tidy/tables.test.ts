import { expect, test } from 'vitest'
import { at, type Complaint, isTest, pathsUnder, type SourceFile, sourcesUnder, textOf } from './source-files.ts'

/**
 * The room that owns each table: only its `store.ts` may name it in SQL. Partitions belong to whom their table does. The
 * room `erasure` has all of them as data, since what it is for is that none is left out.
 */
const OWNERS: Record<string, string> = {
  workspaces: 'workspaces',
  workspace_usage: 'workspaces',
  workspace_counts: 'workspaces',
  api_keys: 'api-keys',
  users: 'people',
  memberships: 'people',
  invitations: 'people',
  user_sessions: 'people',
  customers: 'customers',
  erasures: 'erasure',
  erasure_items: 'erasure',
  workspace_deletions: 'erasure',
  payload_cuts: 'erasure',
  payload_cuts_waiting: 'erasure',
  payload_rules: 'erasure',
  background_jobs: 'workspace-files',
  integrations: 'integrations',
  app_event_types: 'event-types',
  app_event_subscriptions: 'subscriptions',
  app_event_subscription_requests: 'subscriptions',
  flow_history: 'flows',
  flow_versions: 'flows',
  flows: 'flows',
  flow_instances: 'flows',
  flow_instance_triggers: 'flows',
  flow_instance_waits: 'flows',
  flow_schedules: 'flows',
  flow_runs_active: 'runs',
  flow_run_waits: 'runs',
  event_wait_keys: 'runs',
  flow_runs: 'runs',
  flow_node_runs: 'runs',
  flow_run_batches: 'runs',
  flow_runs_in_batches: 'runs',
  flow_runs_open: 'runs',
  wanted_runs: 'dispatch',
  app_events: 'events',
  ingress_answers: 'events',
  broker_sources: 'broker-sources',
  broker_source_states: 'broker-sources',
  refused_requests: 'refused-requests',
  intake_shards: 'intake-log',
  intake_set_aside: 'intake-log',
  intake_catalogue: 'intake-log',
  intake_catalogue_changes: 'intake-log',
  subscription_sources: 'events',
  event_inputs: 'runs',
  delivery_destinations: 'deliveries',
  deliveries_active: 'deliveries',
  deliveries: 'deliveries',
  delivery_attempts: 'deliveries',
  message_bodies: 'deliveries',
  delivery_replays: 'deliveries',
  notification_endpoints: 'notifications',
  customers_audience: 'notifications',
  alerts: 'alerts',
  alert_settings: 'alerts',
  flow_run_news: 'runs',
  flow_run_audience: 'runs',
  connectors: 'integrations',
  global_webhooks: 'integrations',
  connections: 'connections',
  connection_requests: 'connecting',
  connection_logs: 'connections',
  external_api_logs: 'app-requests',
  function_calls: 'functions',
  external_event_types: 'external-event-types',
  external_event_subscriptions: 'external-subscriptions',
  external_subscription_steps: 'external-subscriptions',
  external_event_sources: 'external-events',
  incoming_webhooks: 'external-events',
  incoming_webhooks_active: 'external-events',
  external_events: 'external-events',
  external_event_keys: 'external-events',
  flow_instance_external_triggers: 'flows',
  wanted_external_runs: 'dispatch',
  external_wait_fields: 'dispatch',
  actions: 'actions',
  pulls_active: 'pulls',
  record_snapshots: 'pulls',
  external_event_pulls: 'pulls',
  data_elements: 'data-elements',
  data_links: 'data-elements',
  action_run_logs: 'actions',
  audit_heads: 'audit',
  audit_anchors: 'audit',
  audit_records: 'audit',
  audit_details: 'audit',
  audit_intents: 'audit',
}

/** What the migrations make, each with the table it is a partition of, if it is one. */
const tables = new Map<string, string | null>()
for (const path of pathsUnder('server/migrations').filter((each) => each.endsWith('.sql'))) {
  const text = textOf(path).replaceAll(/--.*$/gm, '')
  const made =
    /\bcreate\s+(?:unlogged\s+)?(?:table|(?:or\s+replace\s+)?(?:materialized\s+)?view)\s+(?:if\s+not\s+exists\s+)?"?(\w+)"?(?:\s+partition\s+of\s+(\w+))?/gi
  for (const [, name, parent] of text.matchAll(made)) if (name !== undefined) tables.set(name, parent ?? null)
  for (const [, name] of text.matchAll(/\bdrop\s+(?:table|view)\s+(?:if\s+exists\s+)?"?(\w+)"?/gi))
    if (name !== undefined) tables.delete(name)
}

test('every table has an owner, and every owner a table', () => {
  const ownerless = [...tables].filter(([name, parent]) => parent === null && OWNERS[name] === undefined)
  const gone = Object.keys(OWNERS).filter((name) => !tables.has(name))
  const complaints = [
    ...ownerless.map(
      ([name]) => `server/migrations: the table ${name} has no owner; name its room in OWNERS in tidy/tables.test.ts`,
    ),
    ...gone.map((name) => `tidy/tables.test.ts: no migration makes a table ${name}; take it out of OWNERS`),
  ]
  expect(tables.size).toBeGreaterThan(0)
  expect(complaints).toEqual([])
})

test('a table is named in SQL only in the store of the room that owns it', () => {
  const sources = sourcesUnder('server/src').filter((source) => !isTest(source.path))
  expect(sources.flatMap(complaintsAboutTables)).toEqual([])
})

function complaintsAboutTables(source: SourceFile): Complaint[] {
  return [...tablesNamed(source)]
    .filter(({ table }) => !isStoreOf(ownerOf(table), source.path))
    .map(
      ({ table, offset }) =>
        `${at(source, offset)}: ${table} is named outside the store of its room; call a function of server/src/${ownerOf(table)}/store.ts`,
    )
}

function ownerOf(table: string): string | undefined {
  return OWNERS[tables.get(table) ?? table]
}

function isStoreOf(room: string | undefined, path: string): boolean {
  return room !== undefined && path.startsWith(`server/src/${room}/`) && /(?:^|[/-])store\.ts$/.test(path)
}

const AFTER_KEYWORD =
  /\b(?:from|join|into|update|table|using|truncate|only|lock|references|copy)\s+((?:"?\w+"?(?:\s+(?:as\s+)?\w+)?\s*,\s*)*"?\w+"?)/gi
const BEGINS_AS_SQL = /^\s*(?:select|insert|update|delete|with|merge|truncate|alter|create|drop|copy|lock)\b/i
/** Methods of the query builder that take a table. */
const BUILDER =
  /\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto|replaceInto|(?:inner|left|right|full|cross)Join|using|table|ref)(?:<[^(]*>)?\(\s*\[?\s*$/

/** Templates are read as SQL wherever they are, plain strings where they begin as SQL does or go to the query builder. */
function* tablesNamed(source: SourceFile): Generator<{ table: string; offset: number }> {
  for (const literal of source.literals) {
    if (BUILDER.test(source.code.slice(Math.max(0, literal.offset - 300), literal.offset))) {
      const table = /^\w+/.exec(literal.text)?.[0] ?? ''
      if (tables.has(table)) yield { table, offset: literal.offset }
    }
    if (literal.quote !== '`' && !BEGINS_AS_SQL.test(literal.text)) continue
    for (const match of literal.text.matchAll(AFTER_KEYWORD)) {
      for (const each of (match[1] ?? '').split(',')) {
        const table = /\w+/.exec(each)?.[0] ?? ''
        if (tables.has(table)) yield { table, offset: literal.offset }
      }
    }
  }
}
