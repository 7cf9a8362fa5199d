import { z } from 'zod'
import { Customer } from './customers.ts'
import type { ErrorKey } from './errors.ts'
import { ErrorData } from './errors.ts'
import { EmbeddedConnection } from './flows.ts'
import { Integration } from './integrations.ts'
import {
  ElementDependency,
  ElementState,
  elementInput,
  elementListQuery,
  elementOutput,
  listOf,
  QueryBoolean,
} from './shapes.ts'

const layer = z.enum(['universal', 'integration', 'connection'])

/** What elements of the data layer answer with alike, whatever layer they are of. */
export const dataElementOutput = {
  ...elementOutput,
  layer,
  state: ElementState.optional(),
  errors: z.array(ErrorData).optional(),
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  integrationUuid: z.string().optional(),
  connectionId: z.string().optional(),
  instanceKey: z.string().optional(),
  parentId: z.string().optional(),
  parentUuid: z.string().optional(),
  universalParentId: z.string().optional(),
  isUniversal: z.boolean(),
  isCustomized: z.boolean(),
  userId: z.string().optional(),
  tenantId: z.string().optional(),
  integration: Integration.optional(),
  connection: EmbeddedConnection.optional(),
  user: Customer.optional(),
}

/** What may be given of any of them. A parent is named by id, uuid or key; without one, the next wider of the same key counts. */
export const dataElementInput = {
  ...elementInput,
  integrationId: z.string().nullish(),
  integrationKey: z.string().nullish(),
  integrationUuid: z.string().nullish(),
  /** As older exports hold it, beside an id of theirs. */
  integration: z.unknown().optional(),
  connectionId: z.string().nullish(),
  instanceKey: z.string().max(500).nullish(),
  parentId: z.string().nullish(),
  parentUuid: z.string().nullish(),
  parentKey: z.string().nullish(),
  /** False: what is given follows from the parent, and is not somebody's change. */
  isCustomized: z.boolean().optional(),
}

const scope = {
  integrationId: z.string().optional(),
  integrationKey: z.string().optional(),
  connectionId: z.string().optional(),
  connectionKey: z.string().optional(),
  instanceKey: z.string().optional(),
}
const owner = { userId: z.string().optional(), tenantId: z.string().optional() }

const definitionQuery = { id: z.string().optional(), key: z.string().optional(), ...scope }

const listQuery = {
  ...elementListQuery,
  ...scope,
  ...owner,
  layer: layer.optional(),
  isUniversal: QueryBoolean.optional(),
  parentId: z.string().optional(),
  universalParentId: z.string().optional(),
  externalAppId: z.string().optional(),
}

const ofCustomer = { access: 'customer', needs: 'customers' } as const
const finding = ['not_found'] as const satisfies readonly ErrorKey[]
const changing = ['not_found', 'archived'] as const satisfies readonly ErrorKey[]
const creating = ['not_found', 'already_exists'] as const satisfies readonly ErrorKey[]

interface Kind<A, I> {
  /** As in the path: `data-sources`. */
  path: string
  /** For people: `data source`. */
  name: string
  answer: A
  input: I
}

/** The endpoints of definitions: in every layer, by id or key in the path or in the query. */
export function definitionEndpoints<A extends z.ZodType, I extends z.ZodType>({
  path,
  name,
  answer,
  input,
}: Kind<A, I>) {
  const singular = path.replace(/s$/, '')
  const query = z.object(definitionQuery)
  const one = { access: 'customer', needs: 'read', query, answer, refusals: finding } as const
  const act = { method: 'POST', access: 'admin', needs: 'define', query, answer, refusals: changing } as const
  const change = { access: 'admin', needs: 'define', query, body: input, answer, refusals: changing } as const
  return {
    list: {
      method: 'GET',
      path: `/${path}`,
      summary: `Every ${name}, universal and of integrations; with \`layer=connection\` those of connections`,
      access: 'customer',
      needs: 'read',
      query: z.object(listQuery),
      answer: listOf(answer),
      refusals: finding,
    },
    create: {
      method: 'POST',
      path: `/${path}`,
      summary: `Create a ${name}`,
      access: 'admin',
      needs: 'define',
      body: input,
      answer,
      status: 201,
      refusals: creating,
    },
    get: { method: 'GET', path: `/${path}/:selector`, summary: `One ${name}, by id or key`, ...one },
    put: { method: 'PUT', path: `/${path}/:selector`, summary: `Change a ${name}`, ...change },
    patch: { method: 'PATCH', path: `/${path}/:selector`, summary: `Change some fields of a ${name}`, ...change },
    archive: {
      method: 'DELETE',
      path: `/${path}/:selector`,
      summary: `Archive a ${name} and those that follow it`,
      access: 'admin',
      needs: 'define',
      query,
      answer: null,
      refusals: finding,
    },
    restore: { ...act, path: `/${path}/:selector/restore`, summary: 'Undo archiving', refusals: finding },
    refresh: { ...act, path: `/${path}/:selector/refresh`, summary: 'Look again at what it needs', refusals: finding },
    setup: { ...act, path: `/${path}/:selector/setup`, summary: 'The same under its older name', refusals: finding },
    clone: {
      ...act,
      path: `/${path}/:selector/clone`,
      summary: 'A copy under a new key',
      status: 201,
      refusals: finding,
    },
    dependencies: {
      method: 'GET',
      path: `/${path}/:selector/dependencies`,
      summary: 'What it hangs on',
      access: 'customer',
      needs: 'read',
      query,
      answer: z.array(ElementDependency),
      refusals: finding,
    },
    export: {
      method: 'GET',
      path: `/${path}/:selector/export`,
      summary: 'What you defined, without what belongs to this installation',
      access: 'admin',
      needs: 'read',
      query,
      answer: input,
      refusals: finding,
    },
    getByQuery: { method: 'GET', path: `/${singular}`, summary: `One ${name}, selected in the query`, ...one },
    putByQuery: { method: 'PUT', path: `/${singular}`, summary: `Change the selected ${name}`, ...change },
    patchByQuery: {
      method: 'PATCH',
      path: `/${singular}`,
      summary: `Change some fields of the selected ${name}`,
      ...change,
    },
    archiveByQuery: {
      method: 'DELETE',
      path: `/${singular}`,
      summary: `Archive the selected ${name}`,
      access: 'admin',
      needs: 'define',
      query,
      answer: null,
      refusals: finding,
    },
    restoreByQuery: {
      ...act,
      path: `/${singular}/restore`,
      summary: 'Undo archiving of the selected one',
      refusals: finding,
    },
    setupByQuery: {
      ...act,
      path: `/${singular}/setup`,
      summary: 'Look again at what the selected one needs',
      refusals: finding,
    },
  } as const
}

/** The endpoints that follow from a definition having a layer of integrations. */
export function integrationEndpoints<A extends z.ZodType, I extends z.ZodType>({
  path,
  name,
  answer,
  input,
}: Kind<A, I>) {
  const singular = path.replace(/s$/, '')
  const query = z.object(definitionQuery)
  const within = `/integrations/:integrationSelector/${path}`
  const change = { access: 'admin', needs: 'define', body: input, answer, refusals: changing } as const
  const reset = { method: 'POST', access: 'admin', needs: 'define', answer, refusals: changing } as const
  return {
    reset: {
      ...reset,
      query,
      path: `/${path}/:selector/reset`,
      summary: 'Drop customisations and follow the parent again',
    },
    resetByQuery: { ...reset, query, path: `/${singular}/reset`, summary: 'Drop customisations of the selected one' },
    apply: {
      method: 'POST',
      path: `/${path}/:selector/apply`,
      summary: `Apply a universal ${name} to integrations`,
      access: 'admin',
      needs: 'define',
      body: z.object({ integrationKeys: z.array(z.string()).min(1).max(1000) }),
      answer: z.array(answer),
      status: 201,
      refusals: changing,
    },
    listOfIntegration: {
      method: 'GET',
      path: within,
      summary: `Every ${name} of one integration`,
      access: 'customer',
      needs: 'read',
      query: z.object(listQuery),
      answer: listOf(answer),
      refusals: finding,
    },
    createOfIntegration: {
      method: 'POST',
      path: within,
      summary: `Create a ${name} of one integration`,
      access: 'admin',
      needs: 'define',
      body: input,
      answer,
      status: 201,
      refusals: creating,
    },
    getOfIntegration: {
      method: 'GET',
      path: `${within}/:selector`,
      summary: `One ${name} of one integration`,
      access: 'customer',
      needs: 'read',
      answer,
      refusals: finding,
    },
    putOfIntegration: {
      method: 'PUT',
      path: `${within}/:selector`,
      summary: `Change a ${name} of one integration`,
      ...change,
    },
    patchOfIntegration: {
      method: 'PATCH',
      path: `${within}/:selector`,
      summary: 'Change some fields of it',
      ...change,
    },
    archiveOfIntegration: {
      method: 'DELETE',
      path: `${within}/:selector`,
      summary: 'Archive it',
      access: 'admin',
      needs: 'define',
      answer: null,
      refusals: finding,
    },
    resetOfIntegration: { ...reset, path: `${within}/:selector/reset`, summary: 'Drop its customisations' },
  } as const
}

/** What says which element of a connection (or customer) is meant; `names` are the query's names for its definition. */
export function instanceSelector(idName: string, keyName: string) {
  return z.object({
    id: z.string().optional(),
    [idName]: z.string().optional(),
    [keyName]: z.string().optional(),
    parentId: z.string().optional(),
    parentKey: z.string().optional(),
    nodeKey: z.string().optional(),
    ...scope,
    ...owner,
    autoCreate: QueryBoolean.optional(),
  })
}

/** The endpoints of what a connection (or customer) has of a definition. */
export function instanceEndpoints<A extends z.ZodType, I extends z.ZodType, S extends z.ZodObject>({
  path,
  name,
  answer,
  input,
  selector: query,
}: Kind<A, I> & { selector: S }) {
  const singular = path.replace(/s$/, '')
  const change = { ...ofCustomer, query, body: input.optional(), answer, refusals: changing } as const
  const act = { method: 'POST', access: 'customer', needs: 'customers', answer, refusals: changing } as const
  return {
    list: {
      method: 'GET',
      path: `/${path}`,
      summary: `Every ${name}, newest first`,
      access: 'customer',
      needs: 'read',
      query: z.object({ ...listQuery, ...query.shape }),
      answer: listOf(answer),
      refusals: finding,
    },
    getById: {
      method: 'GET',
      path: `/${path}/:id`,
      summary: `One ${name}, by id`,
      access: 'customer',
      needs: 'read',
      answer,
      refusals: finding,
    },
    setupById: { ...act, path: `/${path}/:id/setup`, summary: 'Look again at what it needs', refusals: finding },
    resetById: { ...act, path: `/${path}/:id/reset`, summary: 'Drop customisations and follow the parent again' },
    create: {
      method: 'POST',
      path: `/${singular}`,
      summary: `Create the selected ${name}`,
      access: 'customer',
      needs: 'customers',
      query,
      body: input.optional(),
      answer,
      status: 201,
      refusals: creating,
    },
    get: {
      method: 'GET',
      path: `/${singular}`,
      summary: `One ${name}, selected in the query; autoCreate makes it`,
      access: 'customer',
      needs: 'read',
      query,
      answer,
      refusals: finding,
    },
    put: { method: 'PUT', path: `/${singular}`, summary: `Change the selected ${name}, or create it`, ...change },
    patch: { method: 'PATCH', path: `/${singular}`, summary: `Change some fields of the selected ${name}`, ...change },
    archive: {
      method: 'DELETE',
      path: `/${singular}`,
      summary: `Archive the selected ${name}`,
      access: 'customer',
      needs: 'customers',
      query,
      answer: null,
      refusals: finding,
    },
    restore: { ...act, query, path: `/${singular}/restore`, summary: 'Undo archiving', refusals: finding },
    setup: {
      ...act,
      query,
      path: `/${singular}/setup`,
      summary: 'Look again at what the selected one needs',
      refusals: finding,
    },
    reset: { ...act, query, path: `/${singular}/reset`, summary: 'Drop customisations of the selected one' },
  } as const
}

/** The endpoints of the same below a connection. */
export function connectionEndpoints<A extends z.ZodType, I extends z.ZodType>({
  path,
  name,
  answer,
  input,
}: Kind<A, I>) {
  const within = `/connections/:connectionSelector/${path}`
  const query = z.object({ instanceKey: z.string().optional(), autoCreate: QueryBoolean.optional() })
  const change = { ...ofCustomer, query, body: input.optional(), answer, refusals: changing } as const
  const act = { method: 'POST', access: 'customer', needs: 'customers', query, answer, refusals: finding } as const
  return {
    listOfConnection: {
      method: 'GET',
      path: within,
      summary: `Every ${name} that counts for a connection, each in its narrowest version`,
      access: 'customer',
      needs: 'read',
      query: z.object(listQuery),
      answer: listOf(answer),
      refusals: finding,
    },
    getOfConnection: {
      method: 'GET',
      path: `${within}/:selector`,
      summary: `One ${name} as this connection has it; autoCreate makes the connection’s own`,
      access: 'customer',
      needs: 'read',
      query,
      answer,
      refusals: finding,
    },
    putOfConnection: {
      method: 'PUT',
      path: `${within}/:selector`,
      summary: `Change the connection’s own ${name}, or create it; an empty body only creates`,
      ...change,
    },
    patchOfConnection: {
      method: 'PATCH',
      path: `${within}/:selector`,
      summary: 'Change some fields of the connection’s own',
      ...change,
    },
    archiveOfConnection: {
      method: 'DELETE',
      path: `${within}/:selector`,
      summary: 'Archive the connection’s own; then the wider one counts',
      access: 'customer',
      needs: 'customers',
      query,
      answer: null,
      refusals: finding,
    },
    setupOfConnection: { ...act, path: `${within}/:selector/setup`, summary: 'Look again at what it needs' },
    resetOfConnection: {
      ...act,
      path: `${within}/:selector/reset`,
      summary: 'Drop customisations of the connection’s own',
    },
  } as const
}
