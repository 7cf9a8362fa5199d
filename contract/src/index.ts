import { actionInstances } from './action-instances.ts'
import { actionRunLogs } from './action-run-logs.ts'
import { actions } from './actions.ts'
import { alertSettings, alerts } from './alerts.ts'
import { apiKeys } from './api-keys.ts'
import { appDataSchemaInstances, appDataSchemas } from './app-data-schemas.ts'
import { appEventSubscriptions } from './app-event-subscriptions.ts'
import { appEventTypes } from './app-event-types.ts'
import { appEvents } from './app-events.ts'
import { auditLog } from './audit-log.ts'
import { brokerSources } from './broker-sources.ts'
import { connectionRequests, connections } from './connections.ts'
import { connectors } from './connectors.ts'
import { customers } from './customers.ts'
import { dataCollections } from './data-collections.ts'
import { dataLinkTableInstances, dataLinkTables } from './data-link-tables.ts'
import { dataSourceRecords } from './data-source-records.ts'
import { dataSourceInstances, dataSources } from './data-sources.ts'
import { deliveries, replays } from './deliveries.ts'
import { erasures, workspaceDeletions } from './erasures.ts'
import { externalApiLogs } from './external-api-logs.ts'
import { externalEventPulls } from './external-event-pulls.ts'
import { externalEventSubscriptions } from './external-event-subscriptions.ts'
import { externalEventTypes } from './external-event-types.ts'
import { externalEvents } from './external-events.ts'
import { fieldMappingInstances, fieldMappings } from './field-mappings.ts'
import { flowInstances } from './flow-instances.ts'
import { flowNodeTypes } from './flow-node-types.ts'
import { flowRuns } from './flow-runs.ts'
import { flows } from './flows.ts'
import { functions } from './functions.ts'
import { incomingWebhooks } from './incoming-webhooks.ts'
import { setAsideIntake } from './intake-log.ts'
import { integrations } from './integrations.ts'
import { lanes } from './lanes.ts'
import { eventCatalogue, notificationEndpoints } from './notification-endpoints.ts'
import { account, invitations, people } from './people.ts'
import { refusedRequests } from './refused-requests.ts'
import { search } from './search.ts'
import { statistics } from './statistics.ts'
import { webhookVendors } from './webhook-vendors.ts'
import { workspaceFiles } from './workspace-files.ts'
import { workspaces } from './workspaces.ts'

/** Every endpoint of the API, by group and name. Webhook URLs stand apart (`IngressAnswer`). */
export const contract = {
  workspaces,
  apiKeys,
  people,
  invitations,
  account,
  customers,
  erasures,
  workspaceDeletions,
  connectors,
  integrations,
  connections,
  connectionRequests,
  externalApiLogs,
  appEventTypes,
  appEventSubscriptions,
  appEvents,
  brokerSources,
  flows,
  flowInstances,
  flowNodeTypes,
  flowRuns,
  actions,
  actionInstances,
  actionRunLogs,
  appDataSchemas,
  appDataSchemaInstances,
  dataLinkTables,
  dataLinkTableInstances,
  dataSources,
  dataCollections,
  dataSourceInstances,
  dataSourceRecords,
  fieldMappings,
  fieldMappingInstances,
  notificationEndpoints,
  eventCatalogue,
  deliveries,
  replays,
  externalEventPulls,
  externalEventSubscriptions,
  externalEventTypes,
  externalEvents,
  incomingWebhooks,
  functions,
  webhookVendors,
  alerts,
  alertSettings,
  refusedRequests,
  setAsideIntake,
  lanes,
  search,
  statistics,
  workspaceFiles,
  auditLog,
}
export type Contract = typeof contract

export * from './action-instances.ts'
export * from './action-run-logs.ts'
export * from './actions.ts'
export * from './alerts.ts'
export * from './api-keys.ts'
export * from './app-data-schemas.ts'
export * from './app-event-subscriptions.ts'
export * from './app-event-types.ts'
export * from './app-events.ts'
export * from './audit-log.ts'
export * from './broker-sources.ts'
export * from './connections.ts'
export * from './connector-data.ts'
export * from './connectors.ts'
export * from './customers.ts'
export * from './data-collections.ts'
export * from './data-elements.ts'
export * from './data-link-tables.ts'
export * from './data-records.ts'
export * from './data-source-records.ts'
export * from './data-sources.ts'
export * from './dedupe-key.ts'
export * from './deliveries.ts'
export * from './endpoint.ts'
export * from './erasures.ts'
export * from './errors.ts'
export * from './exact-number.ts'
export * from './external-api-logs.ts'
export * from './external-event-pulls.ts'
export * from './external-event-subscriptions.ts'
export * from './external-event-types.ts'
export * from './external-events.ts'
export * from './field-mappings.ts'
export * from './flow-instances.ts'
export * from './flow-node-types.ts'
export * from './flow-runs.ts'
export * from './flows.ts'
export * from './functions.ts'
export * from './incoming-webhooks.ts'
export * from './intake-log.ts'
export * from './integrations.ts'
export * from './lanes.ts'
export * from './notification-endpoints.ts'
export * from './people.ts'
export * from './refused-requests.ts'
export * from './roles.ts'
export * from './search.ts'
export * from './shapes.ts'
export * from './statistics.ts'
export * from './webhook-vendors.ts'
export * from './workspace-files.ts'
export * from './workspaces.ts'
