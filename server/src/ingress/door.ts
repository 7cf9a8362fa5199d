import { createBatchLoader } from '../platform/batch-loader.ts'
import { boundedCache } from '../platform/bounded-cache.ts'

/** Whose a webhook address is. */
export interface AddressOwner {
  workspaceId: string
  /** Null where customers share it. */
  customerId: string | null
  /** What has the address, as on the wire: a subscription, an event type, an integration. */
  elementId: string
}

/** Says whose an address is before anything of the body is read. */
export type Door = (uuid: string) => AddressOwner | null | Promise<AddressOwner | null>

const KNOWN_MAX = 50_000
const UNKNOWN_MAX = 10_000

/** An address is never given to somebody else; that it is archived is found when the request is handled. */
const KNOWN_MS = 300_000

/** So long an address that nobody has is not looked up again, so that a flood at it costs no statements. */
const UNKNOWN_MS = 2000

/** A door to the addresses that `load` finds; it is asked for many at once. */
export function createDoor(load: (uuids: readonly string[]) => Promise<ReadonlyMap<string, AddressOwner>>): Door {
  const known = boundedCache<AddressOwner>(KNOWN_MAX, KNOWN_MS)
  const unknown = boundedCache<true>(UNKNOWN_MAX, UNKNOWN_MS)
  const find = createBatchLoader<AddressOwner>({ load: (uuids) => load([...new Set(uuids)]) })

  async function lookUp(uuid: string): Promise<AddressOwner | null> {
    const owner = await find(uuid)
    if (owner === undefined) {
      unknown.set(uuid, true)
      return null
    }
    const { workspaceId, customerId, elementId } = owner
    known.set(uuid, { workspaceId, customerId, elementId })
    return owner
  }

  return (uuid) => known.get(uuid) ?? (unknown.has(uuid) ? null : lookUp(uuid))
}
