import type { Database } from '../platform/database.ts'
import type { Sealing } from '../platform/sealing.ts'
import { externalSubscriptionsByIds, idsOfConnection } from './store.ts'
import { incomingWebhookUri } from './subscription.ts'

/** What whoever knows it could invent events with: the addresses and states of a connection's subscriptions. */
export async function registrationSecrets(
  { database, sealing, publicUrl }: { database: Database; sealing: Sealing; publicUrl: string },
  connectionId: string,
): Promise<unknown[]> {
  const rows = await externalSubscriptionsByIds(database.db, await idsOfConnection(database.db, connectionId))
  return [...rows.values()].map(({ webhookUuid, stateSealed }) => {
    const state = stateSealed === null ? null : (JSON.parse(sealing.open(stateSealed)) as unknown)
    return [webhookUuid, incomingWebhookUri(publicUrl, webhookUuid), state]
  })
}
