import { sealOldActions } from './actions/store.ts'
import { unsealedElements } from './data-elements/store.ts'
import { sealOldRequests } from './event-types/store.ts'
import { sealOldRows } from './exchanges/stored-json.ts'
import { unsealedExternalEventTypes } from './external-event-types/store.ts'
import { unsealedSubscriptions } from './external-subscriptions/store.ts'
import { unsealedFlows, unsealedInstances, unsealedVersions } from './flows/sealing-store.ts'
import { unsealedConnectors } from './integrations/connector-store.ts'
import { sealParameters } from './integrations/integration.ts'
import { sealOldParameters } from './integrations/store.ts'
import type { Database } from './platform/database.ts'
import type { Sealing } from './platform/sealing.ts'
import { sealOldArchives } from './workspace-files/jobs.ts'

/**
 * Seals secrets that were stored in the open: by an older version, or by a process of one that still runs beside. Safe
 * for many processes at once; what is sealed is not looked at again.
 */
export async function sealWhatIsOld(database: Database, sealing: Sealing): Promise<void> {
  await database.transaction((tx) =>
    sealOldParameters(tx, (shared) => sealParameters(sealing, { shared, byOption: {} })),
  )
  await database.transaction((tx) => sealOldActions(tx, sealing))
  await database.transaction((tx) => sealOldRequests(tx, sealing))
  await sealOldRows(database, sealing, unsealedVersions)
  await sealOldRows(database, sealing, unsealedFlows)
  await sealOldRows(database, sealing, unsealedInstances)
  await sealOldRows(database, sealing, unsealedConnectors)
  await sealOldRows(database, sealing, unsealedExternalEventTypes)
  await sealOldRows(database, sealing, unsealedSubscriptions)
  await sealOldRows(database, sealing, unsealedElements)
  await sealOldArchives(database, sealing)
}
