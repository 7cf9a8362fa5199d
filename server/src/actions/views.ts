import type { ErrorData, Action as WireAction } from '@permea/contract'
import type { z } from 'zod'
import { connectionsByIds } from '../connections/store.ts'
import { customersByIds } from '../customers/store.ts'
import type { RecordSchemas } from '../data-records/record-schemas.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { TroublesOf } from '../integrations/troubles.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Action, actionAnswer, actionLayerOf } from './action.ts'
import { incompletenessOf } from './action-content.ts'
import { openedParts } from './action-secrets.ts'
import { ACTION_KINDS } from './action-types.ts'
import { actionsByIds } from './store.ts'

/** How actions look on the wire, with what belongs beside them; a page at a time. */
export interface ActionViews {
  one(action: Action, errors?: readonly ErrorData[]): Promise<z.input<typeof WireAction>>
  /** With the schema of what it puts out, also where that follows from its type and the app. */
  shown(action: Action): Promise<z.input<typeof WireAction>>
  many(actions: readonly Action[]): Promise<z.input<typeof WireAction>[]>
}

export interface ActionViewsOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  schemas: RecordSchemas
  troublesOf: TroublesOf
}

export function createActionViews(options: ActionViewsOptions): ActionViews {
  const { database, clock, sealing, schemas, troublesOf } = options
  const { db } = database
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  async function answers(actions: readonly Action[], errors: readonly ErrorData[]) {
    const parents = await actionsByIds(db, present(actions.map((each) => each.parentId)))
    const integrations = await integrationsByIds(db, present(actions.map((each) => each.integrationId)))
    const connections = await connectionsByIds(db, present(actions.map((each) => each.connectionId)))
    const customers = await customersByIds(db, present(actions.map((each) => each.customerId)))
    const troubles = await troublesOf(integrations.values())
    return actions.map((action) => {
      const parent = parents.get(action.parentId ?? '')
      const trouble = troubles.get(action.integrationId ?? '')
      return actionAnswer(action, {
        integration: integrations.get(action.integrationId ?? ''),
        connection: connections.get(action.connectionId ?? ''),
        customer: customers.get(action.customerId ?? ''),
        universalId: parent === undefined ? null : actionLayerOf(parent) === 'universal' ? parent.id : parent.parentId,
        errors: trouble === undefined ? errors : [...errors, trouble],
        incomplete: incompletenessOf({ ...action, ...openedParts(sealing, action) }),
        now: clock.now(),
      })
    })
  }

  async function one(action: Action, errors: readonly ErrorData[] = []) {
    const [answer] = await answers([action], errors)
    if (answer === undefined) throw new Error('one row gives one answer')
    return answer
  }

  /** Null where it is not known: what an `outputMapping` makes says so itself, or nobody does. */
  async function derivedOutput(action: Action) {
    const work = ACTION_KINDS[action.type].records
    if (work === undefined || action.outputMapping !== null) return null
    const integrations = await integrationsByIds(db, present([action.integrationId]))
    const connections = await connectionsByIds(db, present([action.connectionId]))
    const { workspaceId, instanceKey, config } = action
    const integration = integrations.get(action.integrationId ?? '') ?? null
    const connection = connections.get(action.connectionId ?? '') ?? null
    const found = await schemas.of({ workspaceId, integration, connection, instanceKey }, work, config ?? {})
    return found.outputSchema ?? null
  }

  return {
    one,
    async shown(action) {
      const answer = await one(action)
      const outputSchema = action.customOutputSchema === null ? await derivedOutput(action) : null
      return outputSchema === null ? answer : { ...answer, outputSchema }
    },
    many: (actions) => answers(actions, []),
  }
}
