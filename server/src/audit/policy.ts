import { auditElementTypeOf, type Contract, contract, type Endpoint, type EndpointTable } from '@permea/contract'

/**
 * How calls of an endpoint are recorded: `change`, always, with what was before and after; `act`, always, without, because
 * what it is about is somebody's data; `traffic`, only where a person calls it: programs do so all day, and each call has a
 * log of its own; `none`.
 */
export type Recording = 'change' | 'act' | 'traffic' | 'none'

type Names = { [G in keyof Contract]?: Partial<Record<keyof Contract[G] & string, Recording>> }

/** They change nothing, although they are no GET. */
const NONE: Recording = 'none'
/** Recorded by themselves, one for each call: in the log of runs, of actions, or of requests to apps. */
const TRAFFIC: Recording = 'traffic'
const ACT: Recording = 'act'

/** Every GET is `none` and everything else a `change`, but for these. */
const OTHER: Names = {
  workspaces: { get: ACT, createAccessToken: ACT },
  connectors: { generateOptions: NONE, connectionOptions: NONE },
  integrations: { parameters: ACT },
  connections: { executeRequest: TRAFFIC, runOperation: TRAFFIC, test: ACT, refreshCredentials: ACT },
  appEventTypes: { generateSchema: NONE },
  externalEventTypes: { generateSchema: NONE },
  appEvents: { replay: ACT },
  externalEvents: { replay: ACT },
  incomingWebhooks: { replay: ACT },
  flows: { run: TRAFFIC },
  flowInstances: { runOfConnection: TRAFFIC },
  flowRuns: { create: TRAFFIC, tryNode: TRAFFIC, stop: ACT, repeat: ACT },
  actions: { run: TRAFFIC, runByQuery: TRAFFIC, act: TRAFFIC },
  actionInstances: { run: TRAFFIC, runOfConnection: TRAFFIC },
  fieldMappingInstances: { run: NONE },
  dataCollections: {
    refresh: NONE,
    listRecords: NONE,
    searchRecords: NONE,
    matchRecord: NONE,
    findRecordById: NONE,
    createRecord: TRAFFIC,
    updateRecord: TRAFFIC,
    deleteRecord: TRAFFIC,
  },
  dataSourceRecords: {
    listRecords: NONE,
    searchRecords: NONE,
    matchRecord: NONE,
    findRecordById: NONE,
    findRecords: NONE,
    unifiedFieldsToNative: NONE,
    createRecord: TRAFFIC,
    updateRecord: TRAFFIC,
    deleteRecord: TRAFFIC,
  },
  functions: { test: ACT },
  notificationEndpoints: { test: ACT },
  deliveries: { acknowledge: ACT, retry: ACT },
  replays: { create: ACT, cancel: ACT },
  externalEventPulls: { pullEvents: ACT, downloadSnapshot: ACT },
  alerts: { resolve: ACT },
  alertSettings: { test: ACT },
  setAsideIntake: { replay: ACT },
  workspaceFiles: { export: ACT },
  auditLog: { noteExport: ACT },
}

/** What the audit log knows of an endpoint. */
export interface EndpointPolicy {
  /** Group and name, as in `flows.patch`. */
  action: string
  /** As in `flow-instance`. */
  elementType: string
  recording: Recording
  /** The endpoint that answers with the same element, for what was before and is after. */
  getter: { table: EndpointTable; name: string } | null
}

export const POLICIES: ReadonlyMap<Endpoint, EndpointPolicy> = new Map(
  Object.entries<EndpointTable>(contract).flatMap(([group, table]) =>
    Object.entries(table).map(([name, endpoint]): [Endpoint, EndpointPolicy] => {
      const other = (OTHER as Record<string, Record<string, Recording>>)[group]?.[name]
      const recording = other ?? (endpoint.method === 'GET' ? 'none' : 'change')
      const getter = recording === 'change' ? getterOf(table, endpoint) : null
      return [endpoint, { action: `${group}.${name}`, elementType: auditElementTypeOf(group), recording, getter }]
    }),
  ),
)

/** A GET that shows a secret counts only where it was asked for. */
export function isAskedFor(endpoint: Endpoint, query: unknown): boolean {
  return endpoint !== contract.workspaces.get || (query as { includeSecrets?: boolean }).includeSecrets === true
}

/** The GET at the same path, or at the longest beginning of it: of `/flows/:selector/archive` that of `/flows/:selector`. */
function getterOf(table: EndpointTable, { path }: Endpoint): EndpointPolicy['getter'] {
  for (let end = path; end !== ''; end = end.slice(0, end.lastIndexOf('/'))) {
    const found = Object.entries(table).find(([, each]) => each.method === 'GET' && each.path === end && !isList(each))
    if (found !== undefined) return { table, name: found[0] }
  }
  return null
}

function isList({ answer }: Endpoint): boolean {
  const shape = (answer as { shape?: Record<string, unknown> } | null)?.shape
  return shape === undefined || 'items' in shape
}
