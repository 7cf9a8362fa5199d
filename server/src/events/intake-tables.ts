import { customersByInternalIds } from '../customers/store.ts'
import { type EventAddress, type Wish, whoWants } from '../dispatch/dispatch.ts'
import { appEventSources } from '../event-types/store.ts'
import { type Database, runPrepared, type Statement } from '../platform/database.ts'
import { type CustomerName, type EventRequest, nameKey, type Urls } from './stages.ts'
import {
  type AppEvent,
  appEventsInsert,
  type KeptAnswer,
  keepAnswers,
  keptAnswers,
  subscriptionSources,
} from './store.ts'

/** What the intake of events reads and writes. */
export interface IntakeTables {
  /** What all the URLs of the group stand for. */
  urls(requests: readonly EventRequest[]): Promise<Urls>
  /** Who wants events that come in at these addresses. */
  wishes(addresses: ReadonlyMap<string, EventAddress>): Promise<Map<string, Wish>>
  /** Customers by the names that events have for them. */
  customers(names: readonly CustomerName[]): Promise<Map<string, { id: string; isArchived: boolean }>>
  inserting(events: readonly AppEvent[]): Statement
  /** All of it or nothing. */
  store(statements: readonly Statement[]): Promise<void>
  /** The same, with what is read on the way. */
  together<T>(work: (tx: IntakeTx) => Promise<T>): Promise<T>
}

/** What is done within one transaction. */
export interface IntakeTx {
  /** Keeps answers under their keys; gives the keys that were not taken. */
  keep(answers: readonly KeptAnswer[], now: Date): Promise<Set<string>>
  kept(slots: readonly { urlKey: string; scope: string }[]): Promise<Map<string, KeptAnswer>>
  run(statement: Statement): Promise<void>
}

export function intakeTablesOf(database: Database): IntakeTables {
  return {
    urls: (requests) => readUrls(database, requests),
    wishes: (addresses) => whoWants(database, addresses),
    customers: (names) => readCustomers(database, names),
    inserting: appEventsInsert,
    async store(statements) {
      await database.atomically([...statements])
    },
    together: (work) =>
      database.transaction((tx) =>
        work({
          keep: (answers, now) => keepAnswers(tx, answers, now),
          kept: (slots) => keptAnswers(tx, slots),
          async run(statement) {
            await runPrepared(tx, statement)
          },
        }),
      ),
  }
}

/** Reads what all the URLs of the group stand for: at most one statement per kind of URL. */
async function readUrls(database: Database, requests: readonly EventRequest[]): Promise<Urls> {
  const uuids = new Set(requests.flatMap(({ target }) => (target.kind === 'subscription' ? [target.webhookUuid] : [])))
  const keys = new Set(requests.flatMap(({ target }) => (target.kind === 'global' ? [target.webhookKey] : [])))
  const [sources, types] = await Promise.all([
    uuids.size === 0 ? new Map() : subscriptionSources(database, [...uuids]),
    keys.size === 0 ? [] : appEventSources(database, [...keys]),
  ])
  return { sources, types: new Map(types.map((type) => [type.webhookKey, type])) }
}

/** Looks up the customers that formulas named, in one statement. */
async function readCustomers(
  database: Database,
  names: readonly CustomerName[],
): Promise<Map<string, { id: string; isArchived: boolean }>> {
  if (names.length === 0) return new Map()
  const rows = await customersByInternalIds(database.db, names)
  return new Map(rows.map((row) => [nameKey(row), row]))
}
