import type { ConnectorDefinition, ConnectorUdm, DataCollectionSpec } from '@permea/contract'
import { asObject } from '../connections/apps.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { CollectionPlace } from './collection.ts'

type Json = Record<string, unknown>

/**
 * Models that stand in for one that an app does not have, the nearest first.
 *
 * @source wire data facts 1.6
 */
const FALLBACKS: Readonly<Record<string, readonly string[]>> = {
  tasks: ['activities'],
  meetings: ['activities'],
  emails: ['activities'],
  notes: ['activities'],
  activities: ['tasks', 'meetings', 'emails', 'notes'],
  leads: ['contacts'],
  customers: ['companies'],
  suppliers: ['companies'],
  employees: ['users'],
  'contact-lists': ['campaigns'],
}

/** The formulas between a model and one collection. */
export interface UnifiedMapping {
  udm: string
  fieldsFromCollection: unknown
  fieldsToCollection: unknown
}

/** The collection that a model stands for in an app; null where there is none: that is no mistake. */
export function defaultCollection(definition: ConnectorDefinition, udm: string): CollectionPlace | null {
  for (const name of [udm, ...(FALLBACKS[udm] ?? [])]) {
    const spec = udmOf(definition, name)
    const place = spec?.defaultCollection ?? spec?.collectionMappings?.[0]
    if (place !== undefined) return { key: place.key, parameters: place.parameters ?? {} }
  }
  return null
}

/** The mapping between a collection and a model: the one that is named, its stand-ins, else any that the collection has. */
export function unifiedMapping(
  definition: ConnectorDefinition,
  collectionKey: string,
  udm: string | null,
): UnifiedMapping | null {
  const named = udm === null ? Object.keys(definition.udm ?? {}) : [udm, ...(FALLBACKS[udm] ?? [])]
  for (const name of named) {
    const mapping = udmOf(definition, name)?.collectionMappings?.find((each) => each.key === collectionKey)
    if (mapping === undefined) continue
    const { fieldsFromCollection, fieldsToCollection } = mapping
    return { udm: name, fieldsFromCollection, fieldsToCollection }
  }
  return null
}

/** The models that a collection has something of, as its spec tells. */
export function modelsOf(definition: ConnectorDefinition, key: string): DataCollectionSpec['udm'] | undefined {
  const models = Object.entries(definition.udm ?? {}).flatMap(([name, { collectionMappings }]) => {
    const mapping = collectionMappings?.find((each) => each.key === key)
    if (mapping === undefined) return []
    const extract = asObject(mapping.fieldsFromCollection)
    return [[name, { fields: Object.keys(extract), extract, parse: asObject(mapping.fieldsToCollection) }] as const]
  })
  return models.length === 0 ? undefined : Object.fromEntries(models)
}

export async function unifiedFields(mapping: UnifiedMapping, fields: Json): Promise<Json> {
  return asObject(await evaluateFormula(mapping.fieldsFromCollection, fields))
}

export async function nativeFields(mapping: UnifiedMapping, unified: Json): Promise<Json> {
  return asObject(await evaluateFormula(mapping.fieldsToCollection, unified))
}

function udmOf({ udm }: ConnectorDefinition, name: string): ConnectorUdm | undefined {
  return udm !== undefined && Object.hasOwn(udm, name) ? udm[name] : undefined
}
