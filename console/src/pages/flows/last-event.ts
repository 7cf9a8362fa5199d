import { useQueries } from '@tanstack/react-query'
import { permea } from '../../api.ts'
import { numberOf } from '../../parts/number-of.ts'
import { fieldsOf } from '../data/schema-fields.ts'
import { type FlowNodes, nodesBefore } from './nodes.ts'

const DEPTH_MAX = 4
const PATHS_MAX = 200
const SAMPLE_MAX = 60

/** The paths of the last real event of each trigger that leads to a node, with what stood there. */
export function useSamples(nodes: FlowNodes, nodeKey: string): ReadonlyMap<string, string> {
  const triggers = [...nodesBefore(nodes, nodeKey), nodeKey].flatMap((key) => {
    const node = nodes[key]
    const eventKey = (node?.config as { appEvent?: { key?: unknown } } | undefined)?.appEvent?.key
    return node?.type === 'app-event-trigger' && typeof eventKey === 'string' && eventKey !== ''
      ? [{ key, eventKey }]
      : []
  })
  return useQueries({
    queries: triggers.map(({ eventKey }) => ({
      queryKey: ['last-event', eventKey],
      queryFn: () => lastEvent(eventKey),
      staleTime: 10_000,
    })),
    combine: (found) => {
      const samples = new Map<string, string>()
      for (const [at, { key }] of triggers.entries()) collect(samples, `$.input.${key}`, found[at]?.data, 0)
      return samples
    },
  })
}

/** What nodes give, by their keys, as JSON Schemas. */
export type NodeSchemas = Readonly<Record<string, { outputSchema?: unknown }>>

/** The paths that a node's schema tells of, each with its type. */
export function schemaSamples(schemas: NodeSchemas, keys: readonly string[]): ReadonlyMap<string, string> {
  const found = keys.flatMap((key) => fieldsOf(schemas[key]?.outputSchema).map((field) => ({ key, field })))
  return new Map(found.slice(0, PATHS_MAX).map(({ key, field }) => [`$.input.${key}.${field.path}`, field.type]))
}

/** What came last, else the example of the type; null where there is neither. */
async function lastEvent(eventKey: string): Promise<unknown> {
  const { items: types } = await permea.appEventTypes.list({ query: { search: eventKey, limit: 50 } })
  const type = types.find((each) => each.key === eventKey)
  if (type === undefined) return null
  const { items } = await permea.appEvents.list({ query: { appEventTypeId: type.id, limit: 1 } })
  return items[0]?.event ?? type.example ?? null
}

function collect(into: Map<string, string>, path: string, value: unknown, depth: number): void {
  if (value === undefined || value === null || into.size >= PATHS_MAX) return
  if (typeof value !== 'object') {
    into.set(path, String(value).slice(0, SAMPLE_MAX))
    return
  }
  if (Array.isArray(value)) into.set(path, numberOf(value.length, 'item'))
  if (depth >= DEPTH_MAX) return
  const members = Array.isArray(value) ? value.slice(0, 1).map((item) => ['[0]', item] as const) : Object.entries(value)
  for (const [name, each] of members) {
    if (/^\w+$/.test(name)) collect(into, `${path}.${name}`, each, depth + 1)
    else if (name === '[0]') collect(into, `${path}[0]`, each, depth + 1)
  }
}
