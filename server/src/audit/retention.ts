import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import { anchorOf, deleteUpTo, lastBefore, moveAnchor } from './store.ts'
import type { Trail } from './trail.ts'
import { anchorMark, RETAINED } from './verify.ts'

const DAY_MS = 86_400_000
const AT_ONCE = 5_000

/**
 * Lets records leave that are older than so many days, always the oldest first. Before it an anchor is laid that the chain
 * begins with from then on, and a record says so: what was removed in another way is seen.
 */
export async function retainRecords(
  options: { database: Database; clock: Clock; ids: Ids; trail: Trail },
  retentionDays: number,
): Promise<void> {
  const { database, clock, ids, trail } = options
  const now = clock.now()
  for (const { workspaceId, sequence, hash } of await lastBefore(
    database.db,
    new Date(now.getTime() - retentionDays * DAY_MS),
  )) {
    const before = await anchorOf(database.db, workspaceId)
    if (before !== null && now.getTime() - before.leftAt.getTime() < DAY_MS) continue
    await trail.add({
      id: ids.next(),
      workspaceId,
      at: now,
      actorKind: 'engine',
      actorId: null,
      actorRole: null,
      action: RETAINED,
      outcome: 'done',
      elementType: 'audit-log',
      elementId: anchorMark({ sequence, hash }),
      customerId: null,
      requestId: null,
      changed: [],
      details: {
        actorName: null,
        elementName: null,
        address: null,
        userAgent: null,
        before: null,
        after: { retentionDays, leftUpTo: sequence },
      },
    })
    await database.transaction(async (tx) => {
      const current = await anchorOf(tx, workspaceId)
      if (current === null || current.sequence < sequence)
        await moveAnchor(tx, workspaceId, { sequence, hash, leftAt: now })
    })
    while ((await deleteUpTo(database.db, workspaceId, sequence, AT_ONCE)) === AT_ONCE);
  }
}
