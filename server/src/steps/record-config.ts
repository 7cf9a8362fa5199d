import { isRecord } from '../formulas/coercion.ts'
/** What a node or an action that works with records is configured by. */
export type RecordConfig = Record<string, unknown>

/** Formulas over fields of records: they are evaluated record by record, and not with the rest. */
const OVER_RECORDS = ['importValue', 'exportValue']

/** The part of a configuration whose formulas are evaluated before it is run. */
export function withoutMappings(config: RecordConfig): RecordConfig {
  const { fieldMapping } = config
  if (!isRecord(fieldMapping)) return config
  const kept = Object.entries(fieldMapping).filter(([name]) => !OVER_RECORDS.includes(name))
  return { ...config, fieldMapping: Object.fromEntries(kept) }
}

/** The configuration as it was evaluated, with the formulas over records as they are. */
export function withMappings(evaluated: unknown, config: RecordConfig): RecordConfig {
  const value = isRecord(evaluated) ? evaluated : {}
  const { fieldMapping } = config
  if (!isRecord(fieldMapping)) return value
  const left = Object.entries(fieldMapping).filter(([name]) => OVER_RECORDS.includes(name))
  const mapping = isRecord(value.fieldMapping) ? value.fieldMapping : {}
  return { ...value, fieldMapping: { ...mapping, ...Object.fromEntries(left) } }
}
