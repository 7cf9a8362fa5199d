import { z } from 'zod'
import { Customer } from './customers.ts'
import type { EndpointTable } from './endpoint.ts'
import { ErrorData, type ErrorKey } from './errors.ts'
import { EmbeddedConnection } from './flows.ts'
import { Integration } from './integrations.ts'
import {
  ElementDependency,
  ElementState,
  elementInput,
  elementListQuery,
  elementOutput,
  JsonSchema,
  listOf,
  Meta,
  QueryBoolean,
} from './shapes.ts'

/** What an action can be; others are refused when it is saved. */
export const ACTION_TYPES = [
  'api-request-to-external-app',
  'api-request-to-your-app',
  'http-request',
  'run-javascript',
  'connector-operation',
  'list-data-records',
  'search-data-record',
  'find-data-record-by-id',
  'match-data-record',
  'create-data-record',
  'update-data-record',
  'delete-data-record',
  'find-or-create-data-record',
] as const
export type ActionType = (typeof ACTION_TYPES)[number]

/** An action: universal, of one integration, or of one connection; the narrower may follow the wider. */
export const Action = z
  .object({
    ...elementOutput,
    layer: z.enum(['universal', 'integration', 'connection']),
    type: z.enum(ACTION_TYPES),
    config: Meta.optional(),
    inputSchema: JsonSchema.optional(),
    outputMapping: z.unknown().optional(),
    customOutputSchema: JsonSchema.optional(),
    outputSchema: JsonSchema.optional(),
    integrationId: z.string().optional(),
    integrationKey: z.string().optional(),
    connectionId: z.string().optional(),
    instanceKey: z.string().optional(),
    parentId: z.string().optional(),
    universalParentId: z.string().optional(),
    isUniversal: z.boolean(),
    isCustomized: z.boolean(),
    state: ElementState.optional(),
    errors: z.array(ErrorData).optional(),
    /** What is not filled in yet: it is refused when it is run, and no error of the definition. */
    incomplete: z.array(ErrorData).optional(),
    userId: z.string().optional(),
    tenantId: z.string().optional(),
    integration: Integration.optional(),
    connection: EmbeddedConnection.optional(),
    user: Customer.optional(),
  })
  .meta({ id: 'Action' })

export const ActionInput = z.object({
  ...elementInput,
  type: z.string().optional(),
  config: Meta.nullish(),
  inputSchema: JsonSchema.nullish(),
  outputMapping: z.unknown().optional(),
  customOutputSchema: JsonSchema.nullish(),
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  connectionId: z.string().nullish(),
  instanceKey: z.string().max(500).nullish(),
  parentId: z.string().nullish(),
  /** What exports of others hold beside ids of theirs. */
  integrationUuid: z.string().nullish(),
  integration: z.unknown().optional(),
  parentUuid: z.string().nullish(),
})

/** What narrows down which action is meant. */
export const actionScope = {
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  connectionId: z.string().optional(),
  connectionKey: z.string().optional(),
  instanceKey: z.string().optional(),
}
/** Whose, where an admin's token asks. */
export const actionOwner = { userId: z.string().optional(), tenantId: z.string().optional() }

export const ActionSelectorQuery = z.object({ id: z.string().optional(), key: z.string().optional(), ...actionScope })

/** On what an action is run: a connection, or a customer's connection for an integration. */
export const ActionTargetQuery = z.object({ ...actionScope, ...actionOwner })

export const ActionInstanceSelector = z.object({
  id: z.string().optional(),
  actionId: z.string().optional(),
  actionKey: z.string().optional(),
  parentId: z.string().optional(),
  parentKey: z.string().optional(),
  ...actionScope,
  ...actionOwner,
  autoCreate: QueryBoolean.optional(),
})

export const RunActionInput = z.object({ input: z.unknown().optional(), meta: Meta.nullish() })

export const ActionRunAnswer = z
  .object({ output: z.unknown().optional(), actionRunId: z.string() })
  .meta({ id: 'ActionRunAnswer' })

/** Runs an action, one request of a connection, or a piece of code: one of `id`, `key`, `api`, `code`. */
export const ActRequest = z
  .strictObject({
    id: z.string().optional(),
    key: z.string().optional(),
    api: z
      .strictObject({
        method: z.string(),
        path: z.string().optional(),
        url: z.string().optional(),
        body: z.unknown().optional(),
        data: z.unknown().optional(),
        headers: z.record(z.string(), z.string()).optional(),
        query: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
      })
      .refine((api) => api.path !== undefined || api.url !== undefined, { path: ['path'], message: 'required' })
      .optional(),
    code: z.string().max(1_000_000).optional(),
    integrationId: z.string().optional(),
    integrationKey: z.string().optional(),
    connectionId: z.string().optional(),
    connectionKey: z.string().optional(),
    input: z.unknown().optional(),
    meta: Meta.optional(),
  })
  .refine(({ id, key, api, code }) => [id, key, api, code].filter((each) => each !== undefined).length === 1, {
    path: ['id'],
    message: 'give exactly one of id, key, api and code',
  })

export const ActionListQuery = z.object({
  ...elementListQuery,
  ...actionScope,
  ...actionOwner,
  layer: z.enum(['universal', 'integration', 'connection']).optional(),
  isUniversal: QueryBoolean.optional(),
  parentId: z.string().optional(),
  universalParentId: z.string().optional(),
  externalAppId: z.string().optional(),
  /** What the action should do, in a few words. */
  intent: z.string().max(200).optional(),
})

export const selectingAction = ['not_found', 'ambiguous_selector'] as const satisfies readonly ErrorKey[]
export const savingAction = [
  ...selectingAction,
  'already_exists',
  'archived',
  'invalid_action',
  'invalid_formula',
  'invalid_schema',
] as const satisfies readonly ErrorKey[]
const running = [...selectingAction, 'archived', 'action_failed'] as const satisfies readonly ErrorKey[]

const byQuery = { query: ActionSelectorQuery } as const
const oneAction = {
  access: 'customer',
  needs: 'customers',
  ...byQuery,
  answer: Action,
  refusals: selectingAction,
} as const
const changeAction = {
  access: 'admin',
  needs: 'define',
  ...byQuery,
  body: ActionInput,
  answer: Action,
  refusals: savingAction,
} as const
const archiveAction = { access: 'admin', needs: 'define', ...byQuery, answer: null, refusals: selectingAction } as const
const restoreAction = {
  access: 'admin',
  needs: 'define',
  ...byQuery,
  answer: Action,
  refusals: [...selectingAction, 'already_exists', 'archived'],
} as const
const resetAction = {
  access: 'admin',
  needs: 'define',
  ...byQuery,
  answer: Action,
  refusals: [...selectingAction, 'archived'],
} as const
export const runAction = {
  access: 'customer',
  needs: 'customers',
  answer: ActionRunAnswer,
  status: 201,
  refusals: running,
} as const

const ofIntegration = { access: 'customer', needs: 'customers', answer: Action, refusals: ['not_found'] } as const
const changeOfIntegration = {
  access: 'admin',
  needs: 'define',
  body: ActionInput,
  answer: Action,
  refusals: ['not_found', 'already_exists', 'archived', 'invalid_action', 'invalid_formula', 'invalid_schema'],
} as const

export const actions = {
  list: {
    method: 'GET',
    path: '/actions',
    summary: 'Actions, universal and of integrations; with a connection those that can be run on it',
    access: 'customer',
    needs: 'read',
    query: ActionListQuery,
    answer: listOf(Action),
    refusals: selectingAction,
  },
  create: {
    method: 'POST',
    path: '/actions',
    summary: 'Create an action',
    access: 'admin',
    needs: 'define',
    body: ActionInput,
    answer: Action,
    status: 201,
    refusals: savingAction,
  },
  get: {
    method: 'GET',
    path: '/actions/:selector',
    summary: 'One action, by id, key or integrationKey.key',
    ...oneAction,
    needs: 'read',
  },
  put: { method: 'PUT', path: '/actions/:selector', summary: 'Change an action', ...changeAction },
  patch: { method: 'PATCH', path: '/actions/:selector', summary: 'Change some fields of an action', ...changeAction },
  archive: {
    method: 'DELETE',
    path: '/actions/:selector',
    summary: 'Archive an action and those that follow it',
    ...archiveAction,
  },
  restore: {
    method: 'POST',
    path: '/actions/:selector/restore',
    summary: 'Undo archiving of the action',
    ...restoreAction,
  },
  reset: {
    method: 'POST',
    path: '/actions/:selector/reset',
    summary: 'Drop customisations and follow the parent again',
    ...resetAction,
  },
  apply: {
    method: 'POST',
    path: '/actions/:selector/apply',
    summary: 'Apply a universal action to integrations',
    access: 'admin',
    needs: 'define',
    body: z.object({ integrationKeys: z.array(z.string()).min(1).max(1000) }),
    answer: z.array(Action),
    status: 201,
    refusals: [...selectingAction, 'archived'],
  },
  clone: {
    method: 'POST',
    path: '/actions/:selector/clone',
    summary: 'A copy under a new key',
    access: 'admin',
    needs: 'define',
    answer: Action,
    status: 201,
    refusals: selectingAction,
  },
  refresh: {
    method: 'POST',
    path: '/actions/:selector/refresh',
    summary: 'Look again at how it stands',
    ...oneAction,
    access: 'admin',
    needs: 'define',
  },
  dependencies: {
    method: 'GET',
    path: '/actions/:selector/dependencies',
    summary: 'What it hangs on: the action that it follows, its integration, and what its configuration names',
    ...oneAction,
    answer: z.array(ElementDependency),
    needs: 'read',
  },
  export: {
    method: 'GET',
    path: '/actions/:selector/export',
    summary: 'What you defined, without what belongs to this installation',
    access: 'admin',
    needs: 'read',
    answer: ActionInput,
    refusals: selectingAction,
  },
  run: {
    method: 'POST',
    path: '/actions/:selector/run',
    summary: 'Run an action and wait for its output',
    ...runAction,
    query: ActionTargetQuery,
    body: RunActionInput,
    takesData: true,
    needs: 'test',
  },
  getByQuery: {
    method: 'GET',
    path: '/action',
    summary: 'One action, selected in the query',
    ...oneAction,
    needs: 'read',
  },
  putByQuery: { method: 'PUT', path: '/action', summary: 'Change the selected action', ...changeAction },
  patchByQuery: {
    method: 'PATCH',
    path: '/action',
    summary: 'Change some fields of the selected action',
    ...changeAction,
  },
  archiveByQuery: { method: 'DELETE', path: '/action', summary: 'Archive the selected action', ...archiveAction },
  restoreByQuery: { method: 'POST', path: '/action/restore', summary: 'Undo archiving', ...restoreAction },
  resetByQuery: { method: 'POST', path: '/action/reset', summary: 'Drop customisations', ...resetAction },
  runByQuery: {
    method: 'POST',
    path: '/action/run',
    summary: 'Run the selected action and wait for its output',
    ...runAction,
    query: z.object({ ...ActionSelectorQuery.shape, ...actionOwner }),
    body: RunActionInput,
    takesData: true,
    needs: 'test',
  },
  listOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/actions',
    summary: 'Actions of one integration',
    access: 'customer',
    needs: 'read',
    query: ActionListQuery,
    answer: listOf(Action),
    refusals: ['not_found'],
  },
  createOfIntegration: {
    method: 'POST',
    path: '/integrations/:integrationSelector/actions',
    summary: 'Create an action of one integration',
    ...changeOfIntegration,
    status: 201,
    refusals: [...changeOfIntegration.refusals, 'ambiguous_selector'],
  },
  getOfIntegration: {
    method: 'GET',
    path: '/integrations/:integrationSelector/actions/:selector',
    summary: 'One action of one integration',
    ...ofIntegration,
    needs: 'read',
  },
  putOfIntegration: {
    method: 'PUT',
    path: '/integrations/:integrationSelector/actions/:selector',
    summary: 'Change an action of one integration',
    ...changeOfIntegration,
  },
  patchOfIntegration: {
    method: 'PATCH',
    path: '/integrations/:integrationSelector/actions/:selector',
    summary: 'Change some fields of it',
    ...changeOfIntegration,
  },
  archiveOfIntegration: {
    method: 'DELETE',
    path: '/integrations/:integrationSelector/actions/:selector',
    summary: 'Archive it',
    access: 'admin',
    needs: 'define',
    answer: null,
    refusals: ['not_found'],
  },
  resetOfIntegration: {
    method: 'POST',
    path: '/integrations/:integrationSelector/actions/:selector/reset',
    summary: 'Drop its customisations',
    access: 'admin',
    needs: 'define',
    answer: Action,
    refusals: ['not_found', 'archived'],
  },
  act: {
    method: 'POST',
    path: '/act',
    summary: 'Run an action, one request of a connection, or a piece of code',
    ...runAction,
    body: ActRequest,
    takesData: true,
    refusals: [...running, 'invalid_action'],
    needs: 'test',
  },
} as const satisfies EndpointTable
