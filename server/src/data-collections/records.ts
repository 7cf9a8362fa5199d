import { type DataRecord, type ErrorData, type FunctionDefinition, isNumber } from '@permea/contract'
import type { AppCalls } from '../connections/app-calls.ts'
import type { Connection } from '../connections/connection.ts'
import { isRecord } from '../formulas/coercion.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { ResolvedCollection } from './collection.ts'

type Json = Record<string, unknown>

/** Ends what is under way with the failure of a function; caught where the method was called. */
export class FunctionFailed extends Error {
  readonly error: ErrorData
  readonly hostCalls: number

  constructor(error: ErrorData, hostCalls: number) {
    super(error.message)
    this.error = error
    this.hostCalls = hostCalls
  }
}

/** On whose behalf functions of a collection are called. */
export interface CollectionCall {
  appCalls: Pick<AppCalls, 'callFunction'>
  connection: Connection
  collection: ResolvedCollection
  parameters: Json
  /** What it is for, as an id of the wire. */
  sourceId: string | null
  signal?: AbortSignal | undefined
}

/** Calls one function of a collection. Throws `FunctionFailed`. */
export async function callOf(
  { appCalls, connection, collection, parameters, sourceId, signal }: CollectionCall,
  definition: FunctionDefinition,
  slot: string,
  args: Json,
): Promise<unknown> {
  // Most fields are mapped by formulas alone, record by record: there is nothing to record, and nobody to ask.
  if (definition.type === 'mapping') return evaluateFormula(definition.mapping, { parameters, ...args })
  const outcome = await appCalls.callFunction(connection, {
    definition,
    slot: `data.${collection.key}.${slot}`,
    sourceId,
    args: { parameters, ...args },
    ...(signal === undefined ? {} : { signal }),
  })
  if (outcome.kind === 'failed') throw new FunctionFailed(outcome.error, outcome.hostCalls)
  return outcome.value
}

/**
 * What a method or an event gave as a record, made one. Where it has a `fields` object it is whole; otherwise it is what
 * the app sent, and becomes fields by `fieldsFromApi` and a record by `recordFromFields`. Null for what has no id.
 *
 * @source wire data facts 1.1 to 1.3, U.2
 */
export async function recordOf(call: CollectionCall, given: unknown): Promise<DataRecord | null> {
  if (typeof given === 'string' || isNumber(given)) return { id: String(given) }
  if (!isRecord(given)) return null
  const { collection } = call
  const { recordFromApi, fieldsFromApi, recordFromFields } = collection
  if (recordFromApi !== undefined && !isRecord(given.fields))
    return finished(
      await callOf(call, recordFromApi, 'recordFromApi', { ...given, record: given, fields: given }),
      given,
    )
  if (isRecord(given.fields) && given.id !== undefined) return finished(given, given)
  const fields =
    fieldsFromApi === undefined
      ? given
      : objectIn(await callOf(call, fieldsFromApi, 'fieldsFromApi', { fields: given }))
  const head =
    recordFromFields === undefined
      ? { id: fields.id, name: fields.name }
      : objectIn(await callOf(call, recordFromFields, 'recordFromFields', { fields }))
  return finished({ ...head, fields }, given)
}

function finished(value: unknown, raw: Json): DataRecord | null {
  const record = objectIn(value)
  const id = record.id ?? objectIn(record.fields).id ?? raw.id
  if ((typeof id !== 'string' && !isNumber(id)) || id === '') return null
  const texts = Object.fromEntries(
    TEXTS.flatMap((name) => {
      const text = record[name]
      return text === undefined || text === null
        ? []
        : [[name, typeof text === 'object' ? JSON.stringify(text) : String(text)]]
    }),
  )
  const times = Object.fromEntries(
    TIMES.flatMap((name) => {
      const time = timeOf(record[name])
      return time === null ? [] : [[name, time]]
    }),
  )
  const fields = Object.fromEntries(
    ['fields', 'rawFields'].flatMap((name) => (isRecord(record[name]) ? [[name, record[name]]] : [])),
  )
  const rest = Object.entries(record).filter(([name]) => !SHAPED.has(name))
  return { ...Object.fromEntries(rest), ...fields, ...texts, ...times, id: String(id) }
}

const TEXTS = ['name', 'uri', 'iconUri', 'createdById', 'updatedById']
const TIMES = ['createdTime', 'updatedTime', 'deletedTime']
/** What records have in one shape only: apps give null or something else where they know nothing. */
const SHAPED: ReadonlySet<string> = new Set([...TEXTS, ...TIMES, 'fields', 'rawFields', 'udm', 'unifiedFields'])

/** Numbers below this are seconds: in milliseconds they would be of the year 1973 at most. */
const SECONDS_BELOW = 100_000_000_000

/** A moment as ISO 8601; text that is none stays as it is. */
function timeOf(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  if (typeof value !== 'number' || !Number.isFinite(value)) return null
  const at = new Date(value < SECONDS_BELOW ? value * 1000 : value)
  return Number.isNaN(at.getTime()) ? null : at.toISOString()
}

export function objectIn(value: unknown): Json {
  return isRecord(value) ? value : {}
}
