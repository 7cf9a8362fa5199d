import type { Field } from '../../forms/fields.ts'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { integrationChoices } from '../choices.ts'

/** For whom an element of the data layer counts. */
export const LAYERS = { universal: 'every integration', integration: 'an integration', connection: 'a connection' }

export const LAYER_FILTERS: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  {
    kind: 'choice',
    name: 'layer',
    label: 'For',
    choices: Object.entries(LAYERS).map(([value, label]) => ({ value, label })),
  },
  { kind: 'lookup', name: 'integrationId', label: 'Integration', lookUp: integrationChoices },
  ARCHIVED,
]

export const ONE_INTEGRATION: Field = {
  name: 'integrationId',
  label: 'Only for the integration',
  kind: 'lookup',
  lookUp: integrationChoices,
  section: 'Where it counts',
  fixed: 'Where it stands is part of what it is; make another one.',
}

export function stateOf(element: { archivedAt?: string | undefined; state?: string | undefined }): string {
  return element.archivedAt !== undefined ? 'archived' : element.state === 'READY' ? 'active' : 'incomplete'
}
