import { type DataRecord, type ErrorData, isNumber } from '@permea/contract'
import { ENGINE } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import type { Connections } from '../connections/connections.ts'
import type { DataCollections, MethodContext } from '../data-collections/data-collections.ts'
import type { MethodOutcome } from '../data-collections/method-outcome.ts'
import { objectIn } from '../data-collections/records.ts'
import type { DataElement } from '../data-elements/data-element.ts'
import type { DataInstances } from '../data-elements/data-instances.ts'
import type { DataLinks } from '../data-elements/data-links.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { type At, bare, type ListProgress, listAll, listPage } from './list-pages.ts'
import { type RecordMapping, resolveMapping } from './mapping.ts'
import { resolveSource } from './source.ts'

type Json = Record<string, unknown>

/** What can be done with records by a node or an action, by its name there. */
export const RECORD_WORKS = [
  'list',
  'list-all',
  'search',
  'match',
  'find-by-id',
  'create',
  'update',
  'delete',
  'find-or-create',
] as const
export type RecordWork = (typeof RECORD_WORKS)[number]

/** For whom and what it is done. */
export interface RecordWorkCall {
  connection: Connection
  /** Of the flow instance or the action: its data source and field mapping count before those without. */
  instanceKey: string
  /** As an id of the wire. */
  sourceId: string
  signal?: AbortSignal | undefined
}

export type RecordWorkOutcome =
  | { kind: 'done'; output: unknown }
  | { kind: 'failed'; error: ErrorData; hostCalls: number }

export type ListedPage =
  | { kind: 'done'; records: DataRecord[]; next: string | null }
  | Extract<RecordWorkOutcome, { kind: 'failed' }>

/** What nodes and actions do with records of a connection's app, their formulas evaluated. */
export interface RecordWorks {
  run(work: RecordWork, call: RecordWorkCall, config: Json): Promise<RecordWorkOutcome>
  /** One page of what `list-all` gives, from where the one before ended: `{ records, next }`, with `next` null after the last. */
  page(call: RecordWorkCall, config: Json, from: string | null): Promise<ListedPage>
  /** A record as a trigger hands it on: mapped where its `fieldMapping` says so. */
  mapped(call: RecordWorkCall, config: Json, record: DataRecord): Promise<RecordWorkOutcome>
  link(work: 'create' | 'find' | 'delete', call: RecordWorkCall, config: Json): Promise<RecordWorkOutcome>
}

export function createRecordWorks(options: {
  database: Database
  connections: Pick<Connections, 'appOf'>
  collections: DataCollections
  instances: DataInstances
  links: DataLinks
}): RecordWorks {
  const { collections } = options

  /** Runs one method where the source of the configuration is, and maps what comes and goes. */
  async function within<T>(
    call: RecordWorkCall,
    config: Json,
    work: (at: At) => Promise<MethodOutcome<T>>,
  ): Promise<RecordWorkOutcome> {
    const { connection, instanceKey, sourceId, signal } = call
    const source = await resolveSource(options, connection, config.dataSource, instanceKey)
    if ('problem' in source) return wrong(`dataSource: ${source.problem}`)
    const mapping = await resolveMapping(options, connection, source, config.fieldMapping, instanceKey)
    if ('problem' in mapping) return wrong(`fieldMapping: ${mapping.problem}`)
    const context: MethodContext = { sourceId, signal, udm: null, override: config.override }
    const outcome = await work({ connection, source, mapping, context })
    if (outcome.kind === 'failed') return outcome
    return { kind: 'done', output: outcome.value }
  }

  const listed = async ({ connection, source, mapping, context }: At, config: Json) => {
    const { filter, unifiedFilter } = config
    const cursor = textOf(config.cursor)
    const request = { filter, unifiedFilter, ...(cursor === null ? {} : { cursor }) }
    const page = await collections.list(connection, source.place, request, { ...context, udm: source.udm })
    return page.kind === 'failed' ? page : done(await importedPage(mapping, page.value))
  }

  return {
    run(work, call, config) {
      switch (work) {
        case 'list':
          return within(call, config, (at) => listed(at, config))
        case 'list-all':
          return within(call, config, (at) => listAll(collections, at, config))
        case 'search':
          return within(call, config, async ({ connection, source, mapping, context }) => {
            const cursor = textOf(config.cursor)
            const request = { query: textOf(config.query) ?? '', ...(cursor === null ? {} : { cursor }) }
            const page = await collections.search(connection, source.place, request, context)
            return page.kind === 'failed' ? page : done(await importedPage(mapping, page.value))
          })
        case 'match':
          return within(call, config, (at) => matched(collections, at, objectIn(config.lookup ?? config), config))
        case 'find-by-id':
          return within(call, config, async ({ connection, source, mapping, context }) => {
            const id = textOf(config.id)
            if (id === null) return missingId
            const found = await collections.findById(connection, source.place, id, context)
            return found.kind === 'failed' ? found : done(await mapping.imported(bare(found.value)))
          })
        case 'create':
          return within(call, config, async ({ connection, source, mapping, context }) =>
            collections.create(connection, source.place, await mapping.exported(), context),
          )
        case 'update':
          return within(call, config, async ({ connection, source, mapping, context }) => {
            const id = textOf(config.id)
            if (id === null) return missingId
            return collections.update(connection, source.place, id, await mapping.exported(), context)
          })
        case 'delete':
          return within(call, config, async ({ connection, source, context }) => {
            const id = textOf(config.id)
            if (id === null) return missingId
            const deleted = await collections.delete(connection, source.place, id, context)
            // What is not there any more is what was asked for.
            return deleted.kind === 'failed' && deleted.isGone !== true ? deleted : done(null)
          })
        case 'find-or-create':
          return within(call, config, (at) => findOrCreate(collections, at, config))
      }
    },
    async page(call, config, from) {
      const progress = from === null ? null : (JSON.parse(from) as ListProgress)
      const outcome = await within(call, config, (at) => listPage(collections, at, config, progress))
      if (outcome.kind === 'failed') return outcome
      const { records, next } = outcome.output as { records: DataRecord[]; next: ListProgress | null }
      return { kind: 'done', records, next: next === null ? null : JSON.stringify(next) }
    },
    mapped: (call, config, record) =>
      within(call, config, async ({ mapping }) => done(await mapping.imported(bare(record)))),
    link: (work, call, config) => workOnLinks(options, work, call, config),
  }
}

/** Reads or changes links between records of the connection's app and yours. */
async function workOnLinks(
  options: { instances: DataInstances; links: DataLinks },
  work: 'create' | 'find' | 'delete',
  { connection, instanceKey }: RecordWorkCall,
  config: Json,
): Promise<RecordWorkOutcome> {
  const key = textOf(objectIn(config.dataLinkTable).key ?? config.dataLinkTable)
  if (key === null) return wrong('dataLinkTable: a key is needed')
  const table = await tableOf(options.instances, connection, instanceKey, key)
  if (table === null) return wrong(`dataLinkTable: there is no data link table ${JSON.stringify(key)}`)
  const direction = textOf(config.direction)
  if (direction !== null && !isDirection(direction)) return wrong('direction: one of import, export and both')
  const externalRecordId = textOf(config.externalRecordId)
  const appRecordId = textOf(config.appRecordId)
  if (work === 'find') {
    const way = direction === 'export' ? 'export' : 'import'
    const recordId = textOf(config.recordId) ?? (way === 'import' ? externalRecordId : appRecordId)
    if (recordId === null) return { kind: 'done', output: null }
    const found = await options.links.follow(table, way, recordId)
    if (found === null) return { kind: 'done', output: null }
    const { id, tableId: _, ...link } = found
    return {
      kind: 'done',
      output: {
        ...link,
        id: toWire('dl', id),
        recordId: way === 'import' ? found.appRecordId : found.externalRecordId,
      },
    }
  }
  if (externalRecordId === null && work === 'create') return wrong('externalRecordId: an id is needed')
  if (appRecordId === null && work === 'create') return wrong('appRecordId: an id is needed')
  if (externalRecordId === null && appRecordId === null)
    return wrong('externalRecordId or appRecordId: an id is needed')
  const ids = {
    ...(externalRecordId === null ? {} : { externalRecordId }),
    ...(appRecordId === null ? {} : { appRecordId }),
  }
  if (work === 'delete') await options.links.remove(table, { ...ids, ...(direction === null ? {} : { direction }) })
  else
    await options.links.put(table, {
      externalRecordId: '',
      appRecordId: '',
      ...ids,
      direction: direction ?? 'both',
    })
  return { kind: 'done', output: null }
}

async function matched(
  collections: DataCollections,
  { connection, source, mapping, context }: At,
  lookup: Json,
  config: Json,
): Promise<MethodOutcome<DataRecord | null>> {
  const { query, universalQuery, unifiedQuery } = lookup
  const native = objectIn(query ?? config.query)
  const overModel = universalQuery ?? unifiedQuery
  if (overModel === undefined || Object.keys(native).length > 0) {
    const found = await collections.match(connection, source.place, native, context)
    return found.kind === 'failed' || found.value === null ? found : done(await mapping.imported(bare(found.value)))
  }
  const translated = await collections.nativeOf(connection, source.place, source.udm, objectIn(overModel))
  if (translated.kind === 'failed') return translated
  const found = await collections.match(connection, source.place, translated.value, context)
  return found.kind === 'failed' || found.value === null ? found : done(await mapping.imported(bare(found.value)))
}

async function findOrCreate(collections: DataCollections, at: At, config: Json): Promise<MethodOutcome<DataRecord>> {
  const { connection, source, mapping, context } = at
  const lookup = objectIn(config.lookup ?? { query: config.lookupFields })
  const found = await matched(collections, at, lookup, config)
  if (found.kind === 'failed') return found
  if (found.value !== null) return done(found.value)
  const fields = { ...(await mapping.exported()), ...objectIn(config.createData) }
  const created = await collections.create(connection, source.place, fields, context)
  if (created.kind === 'failed') return created
  const { id } = created.value
  const record = await collections.findById(connection, source.place, id, context)
  return done(record.kind === 'failed' ? { id, fields } : await mapping.imported(bare(record.value)))
}

async function importedPage<P extends { records: DataRecord[] }>(mapping: RecordMapping, page: P): Promise<P> {
  const records: DataRecord[] = []
  for (const record of page.records) records.push(await mapping.imported(bare(record)))
  return { ...page, records }
}

/** The table as the connection has it; made with the first link. */
async function tableOf(
  instances: DataInstances,
  connection: Connection,
  instanceKey: string,
  key: string,
): Promise<DataElement | null> {
  const principal = {
    workspaceId: connection.workspaceId,
    workspaceKey: '',
    isAdmin: true,
    customerId: null,
    actor: ENGINE,
  }
  const selector = { dataLinkTableKey: key, connectionId: toWire('con', connection.id), instanceKey, autoCreate: true }
  try {
    return await instances.select(principal, 'data-link-table', selector)
  } catch (error) {
    if (error instanceof Refusal && error.key === 'not_found') return null
    throw error
  }
}

function isDirection(text: string): text is 'import' | 'export' | 'both' {
  return text === 'import' || text === 'export' || text === 'both'
}

function textOf(value: unknown): string | null {
  if (isNumber(value)) return String(value)
  return typeof value === 'string' && value !== '' ? value : null
}

function done<T>(value: T): { kind: 'done'; value: T } {
  return { kind: 'done', value }
}

function wrong(message: string): Extract<RecordWorkOutcome, { kind: 'failed' }> {
  return { kind: 'failed', error: { type: 'configuration', key: 'invalid_configuration', message }, hostCalls: 0 }
}

const missingId = wrong('id: the id of a record is needed')
