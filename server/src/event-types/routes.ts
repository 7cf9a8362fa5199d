import { appEventTypes as table } from '@permea/contract'
import { newElement, refusingTakenKey } from '../api/elements.ts'
import { checkSchema, schemaFromExample } from '../api/json-schema.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { checkFormula } from '../formulas/check-formula.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import { fromWire, type Ids, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type AppEventType, appEventTypeAnswer, sealedRequests } from './app-event-type.ts'
import {
  appEventTypeById,
  appEventTypeByKey,
  insertAppEventType,
  listAppEventTypes,
  updateAppEventType,
} from './store.ts'

export interface EventTypeRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  publicUrl: string
  facts: Facts<AppEventTypeFacts>
}

/** What happens to types of your application's events. */
export interface AppEventTypeFacts {
  'app-event-type.archived': AppEventType
  'app-event-type.restored': AppEventType
}

/** By id or key; archived ones too. */
export async function findAppEventType(
  database: Database,
  principal: Principal,
  selector: string,
): Promise<AppEventType> {
  const id = fromWire('aet', selector)
  const byId = id === null ? null : await appEventTypeById(database.db, principal.workspaceId, id)
  const type = byId ?? (await appEventTypeByKey(database.db, principal.workspaceId, selector))
  if (type === null) throw notFound('app event type', selector)
  return type
}

type Input = CallOf<(typeof table)['create']>['body']

/** The fields of a type that the input gives, laid over what is there. */
function merged(sealing: Sealing, current: AppEventType, input: Input): AppEventType {
  return {
    ...current,
    key: input.key ?? current.key,
    name: input.name ?? current.name,
    description: input.description === undefined ? current.description : input.description,
    meta: input.meta === undefined ? current.meta : input.meta,
    schema: input.schema === undefined ? current.schema : input.schema,
    example: input.example === undefined ? current.example : input.example,
    ...sealedRequests(
      sealing,
      {
        subscribeRequest: input.subscribeRequest === undefined ? current.subscribeRequest : input.subscribeRequest,
        unsubscribeRequest:
          input.unsubscribeRequest === undefined ? current.unsubscribeRequest : input.unsubscribeRequest,
      },
      current,
    ),
    tenantIdFormula: input.tenantIdFormula === undefined ? current.tenantIdFormula : input.tenantIdFormula,
    userIdFormula: input.userIdFormula === undefined ? current.userIdFormula : input.userIdFormula,
    validateEvents: input.validateEvents ?? current.validateEvents,
    payloadRetentionDays:
      input.payloadRetentionDays === undefined ? current.payloadRetentionDays : input.payloadRetentionDays,
  }
}

async function check(type: AppEventType): Promise<void> {
  if (type.schema !== null) await checkSchema(type.schema, type.workspaceId)
  if (type.validateEvents && type.schema === null) {
    throw new Refusal('invalid_input', 'validateEvents needs a schema', {
      problems: [{ field: 'validateEvents', message: 'there is no schema to enforce' }],
    })
  }
  const problems = (['tenantIdFormula', 'userIdFormula', 'subscribeRequest', 'unsubscribeRequest'] as const).flatMap(
    (field) =>
      checkFormula(type[field]).map((problem) => ({
        field: [field, problem.path].filter(Boolean).join('.'),
        message: problem.message,
      })),
  )
  if (problems.length > 0)
    throw new Refusal('invalid_formula', `${problems[0]?.field}: ${problems[0]?.message}`, { problems })
}

export function eventTypeRoutes(options: EventTypeRoutesOptions): RouteSet {
  const { database, clock } = options
  const answer = (type: AppEventType, isAdmin = true) => appEventTypeAnswer(type, options.publicUrl, isAdmin)
  const find = (call: { principal: Principal; params: Record<string, string> }) =>
    findAppEventType(database, call.principal, call.params.selector ?? '')

  async function save(type: AppEventType, fact?: keyof AppEventTypeFacts): Promise<AppEventType> {
    const changed = { ...type, revision: secretUuid(), updatedAt: clock.now() }
    await refusingTakenKey('app event type', changed.key, () =>
      database.transaction(async (tx) => {
        await updateAppEventType(tx, options.sealing, changed)
        if (fact !== undefined) await options.facts.record(tx, fact, changed)
      }),
    )
    return changed
  }
  async function living(call: { principal: Principal; params: Record<string, string> }): Promise<AppEventType> {
    const type = await find(call)
    if (type.archivedAt !== null)
      throw new Refusal('archived', `app event type ${JSON.stringify(type.key)} is archived`)
    return type
  }
  async function change(call: CallOf<(typeof table)['put']>) {
    const changed = merged(options.sealing, await living(call), call.body)
    await check(changed)
    return answer(await save(changed))
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'aet')
      const filter = {
        workspaceId: principal.workspaceId,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
      }
      return listAnswer(await listAppEventTypes(database.db, filter, page), page, 'aet', (type) =>
        answer(type, principal.isAdmin),
      )
    },
    async create({ principal, body }) {
      const blank: AppEventType = {
        ...newElement(body, options, 'an app event type'),
        workspaceId: principal.workspaceId,
        schema: null,
        example: null,
        subscribeRequest: null,
        unsubscribeRequest: null,
        secretsSealed: null,
        tenantIdFormula: null,
        userIdFormula: null,
        validateEvents: false,
        payloadRetentionDays: null,
        webhookKey: secretUuid(),
      }
      const type = merged(options.sealing, blank, body)
      await check(type)
      await refusingTakenKey('app event type', type.key, () => insertAppEventType(database.db, options.sealing, type))
      return answer(type)
    },
    get: async (call) => answer(await find(call), call.principal.isAdmin),
    put: change,
    patch: change,
    async archive(call) {
      const type = await find(call)
      if (type.archivedAt === null) await save({ ...type, archivedAt: clock.now() }, 'app-event-type.archived')
    },
    async restore(call) {
      const type = await find(call)
      return answer(
        type.archivedAt === null ? type : await save({ ...type, archivedAt: null }, 'app-event-type.restored'),
      )
    },
    refresh: async (call) => answer(await find(call)),
    async dependencies(call) {
      await find(call)
      return []
    },
    async getSchema(call) {
      const type = await find(call)
      return type.schema ?? (type.example === null ? {} : schemaFromExample(type.example))
    },
    async generateSchema(call) {
      const type = await living(call)
      if (type.example === null)
        throw new Refusal('invalid_input', 'there is no example to derive a schema from', {
          problems: [{ field: 'example', message: 'missing' }],
        })
      return answer(await save({ ...type, schema: schemaFromExample(type.example) }))
    },
    rotateWebhookKey: async (call) => answer(await save({ ...(await find(call)), webhookKey: secretUuid() })),
    async export(call) {
      const type = answer(await find(call))
      const {
        uuid,
        key,
        name,
        description,
        meta,
        schema,
        example,
        subscribeRequest,
        unsubscribeRequest,
        tenantIdFormula,
        userIdFormula,
        validateEvents,
        payloadRetentionDays,
      } = type
      return {
        uuid,
        key,
        name,
        description,
        meta,
        schema,
        example,
        subscribeRequest,
        unsubscribeRequest,
        tenantIdFormula,
        userIdFormula,
        validateEvents,
        payloadRetentionDays,
      } as Input
    },
  })
}
