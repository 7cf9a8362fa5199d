import { z } from 'zod'
import { AuthType, ConnectionOption, ConnectorEventSpec, ConnectorOperationSpec } from './connectors.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData } from './errors.ts'
import {
  ElementDependency,
  ElementState,
  elementInput,
  elementListQuery,
  elementOutput,
  listOf,
  Meta,
} from './shapes.ts'

/** How an integration configures one way to connect. */
const OptionConfig = z.object({ disabled: z.boolean().optional(), parameters: Meta.optional() })

/**
 * An external app that the workspace offers to its customers. `parameters`, which may be secret, are shown to admins only;
 * `connection` is that of the customer who asks.
 */
export const Integration = z
  .object({
    ...elementOutput,
    logoUri: z.string(),
    connectorId: z.string().optional(),
    connectorVersion: z.string().optional(),
    externalAppId: z.string().optional(),
    oAuthCallbackUri: z.string().optional(),
    parameters: Meta.optional(),
    optionsConfig: z.record(z.string(), OptionConfig).optional(),
    state: ElementState.optional(),
    errors: z.array(ErrorData).optional(),
    hasMissingParameters: z.boolean().optional(),
    hasDocumentation: z.boolean().optional(),
    hasOperations: z.boolean().optional(),
    operationsCount: z.number().int().optional(),
    hasData: z.boolean().optional(),
    dataCollectionsCount: z.number().int().optional(),
    hasEvents: z.boolean().optional(),
    eventsCount: z.number().int().optional(),
    hasGlobalWebhooks: z.boolean().optional(),
    hasUdm: z.boolean().optional(),
    authType: AuthType.optional(),
    authOptions: z.array(ConnectionOption).optional(),
    connection: z.looseObject({ id: z.string() }).optional(),
  })
  .meta({ id: 'Integration' })

export const IntegrationInput = z.object({
  ...elementInput,
  logoUri: z.string().nullish(),
  connectorId: z.string().nullish(),
  connectorUuid: z.string().nullish(),
  connectorKey: z.string().nullish(),
  /** Taken for the sake of clients that send it; there is one version of each connector. */
  connectorVersion: z.string().nullish(),
  oAuthCallbackUri: z.union([z.url(), z.literal('')]).nullish(),
  parameters: Meta.nullish(),
  optionsConfig: z.record(z.string(), OptionConfig).nullish(),
})

/** What a connector offers through an integration. */
export const ConnectorSpec = z
  .object({
    key: z.string(),
    name: z.string(),
    logoUri: z.string(),
    description: z.string().optional(),
    auth: ConnectionOption.optional(),
    options: z.array(ConnectionOption),
    inputSchema: Meta.optional(),
    parametersSchema: Meta.optional(),
    operations: z.array(ConnectorOperationSpec),
    events: z.array(ConnectorEventSpec),
    globalWebhooks: z.array(z.object({ key: z.string(), name: z.string(), description: z.string().optional() })),
  })
  .meta({ id: 'ConnectorSpec' })

/** A URL to enter in the external app's console; whoever knows it can post to it. */
export const GlobalWebhookItem = z
  .object({ key: z.string(), name: z.string(), description: z.string().optional(), uri: z.string() })
  .meta({ id: 'GlobalWebhook' })

/** Kept apart from the element, since they may be secret. */
const IntegrationParameters = z.record(z.string(), z.unknown())

export const IntegrationSelectorQuery = z.object({ id: z.string().optional(), key: z.string().optional() })

const change = {
  access: 'admin',
  needs: 'define',
  body: IntegrationInput,
  answer: Integration,
  refusals: ['not_found', 'already_exists', 'archived'],
} as const

export const integrations = {
  list: {
    method: 'GET',
    path: '/integrations',
    summary: 'Integrations of the workspace',
    access: 'customer',
    needs: 'read',
    query: z.object({ ...elementListQuery, connectorId: z.string().optional() }),
    answer: listOf(Integration),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/integrations',
    summary: 'Create an integration',
    access: 'admin',
    needs: 'define',
    body: IntegrationInput,
    answer: Integration,
    status: 201,
    refusals: ['already_exists', 'not_found'],
  },
  get: {
    method: 'GET',
    path: '/integrations/:selector',
    summary: 'One integration, by id or key',
    access: 'customer',
    needs: 'read',
    answer: Integration,
    refusals: ['not_found'],
  },
  getByQuery: {
    method: 'GET',
    path: '/integration',
    summary: 'One integration, selected in the query',
    access: 'customer',
    needs: 'read',
    query: IntegrationSelectorQuery,
    answer: Integration,
    refusals: ['not_found'],
  },
  put: { method: 'PUT', path: '/integrations/:selector', summary: 'Change an integration', ...change },
  patch: {
    method: 'PATCH',
    path: '/integrations/:selector',
    summary: 'Change some fields of an integration',
    ...change,
  },
  archive: {
    method: 'DELETE',
    path: '/integrations/:selector',
    summary: 'Archive an integration',
    access: 'admin',
    needs: 'define',
    answer: null,
    refusals: ['not_found'],
  },
  restore: {
    method: 'POST',
    path: '/integrations/:selector/restore',
    summary: 'Undo archiving',
    access: 'admin',
    needs: 'define',
    answer: Integration,
    refusals: ['not_found', 'already_exists'],
  },
  setup: {
    method: 'POST',
    path: '/integrations/:selector/setup',
    summary: 'Look again at what the integration needs, and make the URLs of its global webhooks',
    access: 'admin',
    needs: 'define',
    answer: Integration,
    refusals: ['not_found', 'archived'],
  },
  refresh: {
    method: 'POST',
    path: '/integrations/:selector/refresh',
    summary: 'The same under its newer name',
    access: 'admin',
    needs: 'define',
    answer: Integration,
    refusals: ['not_found', 'archived'],
  },
  dependencies: {
    method: 'GET',
    path: '/integrations/:selector/dependencies',
    summary: 'What it hangs on: its connector',
    access: 'customer',
    needs: 'read',
    answer: z.array(ElementDependency),
    refusals: ['not_found'],
  },
  export: {
    method: 'GET',
    path: '/integrations/:selector/export',
    summary: 'What you defined, without what belongs to this installation and without secrets',
    access: 'admin',
    needs: 'read',
    answer: IntegrationInput,
    refusals: ['not_found'],
  },
  connectorSpec: {
    method: 'GET',
    path: '/integrations/:selector/connector-spec',
    summary: 'What the connector of the integration offers',
    access: 'customer',
    needs: 'read',
    answer: ConnectorSpec,
    refusals: ['not_found'],
  },
  operations: {
    method: 'GET',
    path: '/integrations/:selector/operations',
    summary: 'Operations of the connector',
    access: 'customer',
    needs: 'read',
    answer: z.array(ConnectorOperationSpec),
    refusals: ['not_found'],
  },
  operation: {
    method: 'GET',
    path: '/integrations/:selector/operations/:operationKey',
    summary: 'One operation of the connector',
    access: 'customer',
    needs: 'read',
    answer: ConnectorOperationSpec,
    refusals: ['not_found'],
  },
  events: {
    method: 'GET',
    path: '/integrations/:selector/events',
    summary: 'Events of the connector',
    access: 'customer',
    needs: 'read',
    answer: z.array(ConnectorEventSpec),
    refusals: ['not_found'],
  },
  event: {
    method: 'GET',
    path: '/integrations/:selector/events/:eventKey',
    summary: 'One event of the connector',
    access: 'customer',
    needs: 'read',
    answer: ConnectorEventSpec,
    refusals: ['not_found'],
  },
  globalWebhooks: {
    method: 'GET',
    path: '/integrations/:selector/global-webhooks',
    summary: "URLs to enter in the external app's console",
    access: 'admin',
    needs: 'read',
    answer: z.array(GlobalWebhookItem),
    refusals: ['not_found'],
  },
  parameters: {
    method: 'GET',
    path: '/integrations/:selector/parameters',
    summary: 'What the operator gave for the connector, secrets included',
    access: 'admin',
    needs: 'secrets',
    answer: IntegrationParameters,
    refusals: ['not_found'],
  },
  putParameters: {
    method: 'PUT',
    path: '/integrations/:selector/parameters',
    summary: 'Set these parameters and no others',
    access: 'admin',
    needs: 'define',
    body: IntegrationParameters,
    answer: null,
    refusals: ['not_found', 'archived'],
  },
  changeParameters: {
    method: 'PATCH',
    path: '/integrations/:selector/parameters',
    summary: 'Set some parameters; null takes one away',
    access: 'admin',
    needs: 'define',
    body: IntegrationParameters,
    answer: IntegrationParameters,
    refusals: ['not_found', 'archived'],
  },
} as const satisfies EndpointTable
