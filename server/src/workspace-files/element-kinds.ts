import type { contract, FlowNodes } from '@permea/contract'
import { withoutLiteralSecrets } from '../exchanges/literal-secrets.ts'
import { withoutReadOnly } from '../flows/flow.ts'
import { shownNodes } from '../flows/node-secrets.ts'

/** A kind of element that workspace files hold. A new kind is a row of the table below. */
export interface ElementKind {
  /** As results and selectors call it: `flow`. */
  type: string
  /** Its folder in the files, which is its path in the API: `flows`. */
  folder: string
  /** Its endpoints: `list`, `create`, `patch`, `archive`, `restore`. */
  group: keyof typeof contract
  /** `integrations`: files of one integration stand in its folder; `root`: they stand beside the universal ones. */
  layers: 'integrations' | 'root' | 'none'
  /** Fields of its own, in the order of the file; behind `uuid`, `key`, `name`, `description`, `meta`. */
  fields: readonly string[]
  /** Taken over from the parent as long as the element is not customised. */
  inherited: readonly string[]
  /** Of these the engine takes the parent's where the element is made without: what differs from it is said, nothing too. */
  copied: readonly string[]
  /** What the engine has where a file says nothing. Other fields are taken away by leaving them out. */
  defaults: Readonly<Record<string, unknown>>
  /** Whether input says itself that its content is the parent's (`isCustomized`); else such content is left out. */
  saysWhetherCustomized: boolean
  /** A field without what the engine writes into it. */
  definedIn(field: string, value: unknown): unknown
  /** A field without the secrets that may stand in it. */
  shownIn(field: string, value: unknown): unknown
}

const DATA_SOURCE = [
  'udm',
  'collectionKey',
  'collectionParameters',
  'pullUpdatesIntervalSeconds',
  'fullSyncIntervalSeconds',
  'path',
  'defaultPath',
]
const FIELD_MAPPING = [
  'dataSourceKey',
  'dataSourceUuid',
  'direction',
  'appSchema',
  'defaultImportValue',
  'defaultExportValue',
  'importValue',
  'exportValue',
  'unifiedImportValue',
  'unifiedExportValue',
  'frozenImportFields',
  'frozenExportFields',
  'frozenUnifiedExportFields',
]

const FLOW_SETTINGS = ['parametersSchema', 'parameters', 'enabled', 'ordered', 'concurrency', 'autoCreateInstances']
const ACTION_CONTENT = ['description', 'inputSchema', 'config', 'outputMapping', 'customOutputSchema']

const ROWS: readonly (Pick<ElementKind, 'type' | 'folder' | 'group' | 'layers' | 'fields'> & Partial<ElementKind>)[] = [
  {
    type: 'connector',
    folder: 'connectors',
    group: 'connectors',
    layers: 'none',
    fields: [
      'logoUri',
      'categories',
      'parametersSchema',
      'options',
      'makeApiClient',
      'test',
      'disconnect',
      'responseHandlers',
      'events',
      'globalWebhooks',
      'operations',
      'data',
      'udm',
    ],
    defaults: {
      logoUri: '',
      categories: [],
      options: {},
      events: {},
      globalWebhooks: {},
      operations: {},
      data: {},
      udm: {},
    },
  },
  {
    type: 'integration',
    folder: 'integrations',
    group: 'integrations',
    layers: 'none',
    fields: ['logoUri', 'oAuthCallbackUri', 'optionsConfig'],
  },
  {
    type: 'app-event-type',
    folder: 'app-event-types',
    group: 'appEventTypes',
    layers: 'none',
    fields: [
      'schema',
      'example',
      'subscribeRequest',
      'unsubscribeRequest',
      'tenantIdFormula',
      'userIdFormula',
      'validateEvents',
      'payloadRetentionDays',
    ],
    shownIn: (field, value) => (field.endsWith('Request') ? withoutLiteralSecrets(value).shown : value),
    defaults: { validateEvents: false },
  },
  {
    type: 'app-data-schema',
    folder: 'app-data-schemas',
    group: 'appDataSchemas',
    layers: 'root',
    fields: ['schema', 'code'],
    inherited: ['schema', 'code'],
    saysWhetherCustomized: true,
  },
  {
    type: 'data-link-table',
    folder: 'data-link-tables',
    group: 'dataLinkTables',
    layers: 'root',
    fields: [],
  },
  {
    type: 'data-source',
    folder: 'data-sources',
    group: 'dataSources',
    layers: 'integrations',
    fields: DATA_SOURCE,
    inherited: DATA_SOURCE,
    saysWhetherCustomized: true,
  },
  {
    type: 'field-mapping',
    folder: 'field-mappings',
    group: 'fieldMappings',
    layers: 'integrations',
    fields: FIELD_MAPPING,
    inherited: FIELD_MAPPING,
    saysWhetherCustomized: true,
  },
  {
    type: 'external-event-type',
    folder: 'external-event-types',
    group: 'externalEventTypes',
    layers: 'root',
    fields: [
      'type',
      'parametersSchema',
      'schema',
      'example',
      'subscribe',
      'handle',
      'unsubscribe',
      'refresh',
      'dedupeKey',
      'payloadRetentionDays',
    ],
    defaults: { type: 'webhook' },
  },
  {
    type: 'action',
    folder: 'actions',
    group: 'actions',
    layers: 'integrations',
    fields: ['inputSchema', 'type', 'config', 'outputMapping', 'customOutputSchema'],
    shownIn: (field, value) =>
      field === 'config' || field === 'outputMapping'
        ? (withoutLiteralSecrets({ [field]: value }).shown as Record<string, unknown>)[field]
        : value,
    inherited: ['name', 'type', ...ACTION_CONTENT],
    copied: ACTION_CONTENT,
  },
  {
    type: 'flow',
    folder: 'flows',
    group: 'flows',
    layers: 'integrations',
    fields: [...FLOW_SETTINGS, 'nodes'],
    copied: FLOW_SETTINGS,
    inherited: ['name', 'nodes'],
    defaults: { enabled: true, ordered: false, autoCreateInstances: false },
    shownIn(field, value) {
      if (field === 'nodes') return shownNodes((value ?? {}) as FlowNodes)
      return field === 'parameters' ? withoutLiteralSecrets(value).shown : value
    },
    definedIn: (field, value) => (field === 'nodes' ? withoutReadOnly((value ?? {}) as FlowNodes) : value),
  },
]

/** In the order in which they are made: what others are made of comes first. */
export const ELEMENT_KINDS: readonly ElementKind[] = ROWS.map((row) => ({
  inherited: [],
  copied: row.saysWhetherCustomized === true ? ['description'] : [],
  defaults: {},
  saysWhetherCustomized: false,
  definedIn: (_field, value) => value,
  shownIn: (_field, value) => value,
  ...row,
}))

export function kindOfType(type: string): ElementKind {
  const kind = ELEMENT_KINDS.find((each) => each.type === type)
  if (kind === undefined) throw new Error(`there is no kind ${type}`)
  return kind
}
