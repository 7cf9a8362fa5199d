import { session } from '../api.ts'
import { placeOfId } from '../places.ts'
import { To } from './links.tsx'

/** What was changed of something, in the audit log, for those who may read it. */
export function HistoryLink({ of }: { of: HistoryOf }) {
  if (!session().permissions.includes('workspace')) return null
  return (
    <To path="/audit-log" search={of}>
      History
    </To>
  )
}

/** What the audit log is filtered by. */
export type HistoryOf = Readonly<Partial<Record<'elementId' | 'elementType' | 'userId' | 'actorId', string>>>

/** Of a customer all that was changed of what it has; null where an id is none of the engine's. */
export function historyOf(id: string): HistoryOf | null {
  if (placeOfId(id) === null) return null
  return id.startsWith('cus_') ? { userId: id } : { elementId: id }
}
