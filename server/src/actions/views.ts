import type { ErrorData, Action as WireAction } from '@permea/contract'
import type { z } from 'zod'
import { connectionsByIds } from '../connections/store.ts'
import { customersByIds } from '../customers/store.ts'
import { integrationsByIds } from '../integrations/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Action, actionAnswer, layerOf } from './action.ts'
import { actionsByIds } from './store.ts'

/** How actions look on the wire, with what belongs beside them; a page at a time. */
export interface ActionViews {
  one(action: Action, errors?: readonly ErrorData[]): Promise<z.input<typeof WireAction>>
  many(actions: readonly Action[]): Promise<z.input<typeof WireAction>[]>
}

export function createActionViews({ database, clock }: { database: Database; clock: Clock }): ActionViews {
  const { db } = database
  const present = (ids: readonly (string | null)[]) => ids.filter((id) => id !== null)

  async function answers(actions: readonly Action[], errors: readonly ErrorData[]) {
    const parents = await actionsByIds(db, present(actions.map((each) => each.parentId)))
    const integrations = await integrationsByIds(db, present(actions.map((each) => each.integrationId)))
    const connections = await connectionsByIds(db, present(actions.map((each) => each.connectionId)))
    const customers = await customersByIds(db, present(actions.map((each) => each.customerId)))
    return actions.map((action) => {
      const parent = parents.get(action.parentId ?? '')
      return actionAnswer(action, {
        integration: integrations.get(action.integrationId ?? ''),
        connection: connections.get(action.connectionId ?? ''),
        customer: customers.get(action.customerId ?? ''),
        universalId: parent === undefined ? null : layerOf(parent) === 'universal' ? parent.id : parent.parentId,
        errors,
        now: clock.now(),
      })
    })
  }

  return {
    async one(action, errors = []) {
      const [answer] = await answers([action], errors)
      if (answer === undefined) throw new Error('one row gives one answer')
      return answer
    },
    many: (actions) => answers(actions, []),
  }
}
