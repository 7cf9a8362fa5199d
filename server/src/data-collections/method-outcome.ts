import { createHash } from 'node:crypto'
import { type ErrorData, isNumber } from '@permea/contract'
import { errorData } from '../api/refusal.ts'
import { isRecord } from '../formulas/coercion.ts'
import { objectIn } from './records.ts'

type Json = Record<string, unknown>

/** What a method came to. The failures of apps and functions are data. */
export type MethodOutcome<T> =
  | { kind: 'done'; value: T }
  | { kind: 'failed'; error: ErrorData; hostCalls: number; isGone?: boolean }

export function withCustomFields(schema: Json | undefined, custom: Json): Json | undefined {
  if (Object.keys(custom).length === 0) return schema
  const properties = { ...objectIn(schema?.properties), ...objectIn(custom.properties) }
  return { type: 'object', ...schema, properties }
}

const FIELD_LISTS = ['filterFields', 'fields', 'requiredFields', 'excludedFields', 'queryFields']

/** What a function says of a method, without lists of fields that are none. */
export function settingsIn(given: unknown): Json {
  const isList = (value: unknown) => Array.isArray(value) && value.every((each) => typeof each === 'string')
  return Object.fromEntries(
    Object.entries(objectIn(given)).filter(([name, value]) => !FIELD_LISTS.includes(name) || isList(value)),
  )
}

export function recordIdOf(value: unknown): string | null {
  const id = isRecord(value) ? value.id : value
  return (typeof id === 'string' && id !== '') || isNumber(id) ? String(id) : null
}

export function missingPlace(message: string): Extract<MethodOutcome<never>, { kind: 'failed' }> {
  return { kind: 'failed', error: errorData('not_found', message), hostCalls: 0 }
}

export function noId(method: string, key: string): ErrorData {
  const message = `${method} of the collection ${JSON.stringify(key)} gave no { id }`
  return { type: 'configuration', key: 'no_record_id', message }
}

export function noModel(key: string, udm: string | null | undefined): ErrorData {
  const what = udm === undefined || udm === null ? 'any universal data model' : `the model ${JSON.stringify(udm)}`
  return errorData(
    'invalid_input',
    `the connector does not say how the collection ${JSON.stringify(key)} and ${what} become each other`,
  )
}

export function parametersKey(parameters: Json): string {
  const sorted = Object.entries(parameters).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url')
}
