import { toWire } from '../../server/src/platform/ids.ts'
import { median } from './moments.ts'
import type { Postgres } from './postgres.ts'
import { atMost, type Row } from './table.ts'

const TIMES = 5

/** A question of the console, and how long its answer may take, in milliseconds. */
interface Question {
  what: string
  path: string
  atMostMs: number
}

const PAGE_MS = 50
const SEARCH_MS = 300

/** How long pages of lists take on a database with many rows: the newest, by what is frequent and what is rare, searches. */
export async function pages(
  postgres: Postgres,
  given: { database: string; port: number; token: string },
): Promise<Row[]> {
  const { instance, customer } = await plantRare(postgres, given.database)
  const questions: Question[] = [
    { what: 'events, newest page', path: '/app-events?limit=50', atMostMs: PAGE_MS },
    { what: 'events of a customer', path: `/app-events?limit=50&userId=${toWire('cus', customer)}`, atMostMs: PAGE_MS },
    { what: 'events of a rare type', path: `/app-events?limit=50&appEventTypeId=rare`, atMostMs: SEARCH_MS },
    { what: 'events, search with no hit', path: '/app-events?limit=50&search=is-nowhere', atMostMs: SEARCH_MS },
    { what: 'events, search with many hits', path: '/app-events?limit=50&search=4711', atMostMs: SEARCH_MS },
    { what: 'runs, newest page', path: '/flow-runs?limit=50', atMostMs: PAGE_MS },
    { what: 'runs that failed (none)', path: '/flow-runs?limit=50&state=failed', atMostMs: PAGE_MS },
    { what: 'runs that were stopped (none)', path: '/flow-runs?limit=50&state=stopped', atMostMs: SEARCH_MS },
    {
      what: 'runs of an instance',
      path: `/flow-runs?limit=50&flowInstanceId=${toWire('cf', instance)}`,
      atMostMs: PAGE_MS,
    },
    { what: 'statistics of the last hour', path: '/statistics', atMostMs: SEARCH_MS },
  ]
  const rows: Row[] = []
  for (const { what, path, atMostMs } of questions) {
    const times: number[] = []
    let looked = ''
    for (let turn = 0; turn < TIMES; turn += 1) {
      const beganMs = performance.now()
      const answer = await fetch(`http://127.0.0.1:${given.port}${path}`, {
        headers: { authorization: `Bearer ${given.token}` },
      })
      if (!answer.ok) throw new Error(`${path} was answered ${answer.status}: ${await answer.text()}`)
      const { items, lookedBackTo } = (await answer.json()) as { items: unknown[]; lookedBackTo?: string }
      looked = `${items.length} found${lookedBackTo === undefined ? '' : `, back to ${lookedBackTo.slice(11, 19)}`}`
      times.push(performance.now() - beganMs)
    }
    const ms = median(times)
    rows.push({ what: `pages: ${what}, ms`, engine: `${ms.toFixed(0)} (${looked})`, goal: atMost(atMostMs, ms, ' ms') })
  }
  return rows
}

/** A type that one old event has, and an instance and a customer that many rows have. */
async function plantRare(postgres: Postgres, database: string): Promise<{ instance: string; customer: string }> {
  const [row] = await postgres.query<{ instance: string; customer: string }>(
    database,
    `with oldest as (select * from app_events order by id limit 1), type as (
       insert into app_event_types (id, workspace_id, uuid, webhook_key, key, name, revision, created_at, updated_at)
       select uuidv7(), workspace_id, gen_random_uuid(), gen_random_uuid(), 'rare', 'rare', gen_random_uuid(), now(), now() from oldest
       returning id
     ), event as (
       update app_events e set app_event_type_id = type.id from type, oldest where e.id = oldest.id
     )
     select r.flow_instance_id as instance, r.customer_id as customer
       from flow_runs r order by id desc limit 1`,
  )
  if (row === undefined) throw new Error('there are no runs')
  return row
}
