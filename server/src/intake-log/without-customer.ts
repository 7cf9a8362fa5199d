import type { Tx } from '../platform/database.ts'
import { decodeEntries, encodeEntries, type LogEntry } from './log-entry.ts'
import { deleteSetAside, replaceSetAside, setAsideAfter } from './store.ts'

/** Whose entries are to go. */
export interface GoingCustomer {
  workspaceId: string
  customerId: string
  internalId: string
  /** URLs of its own. */
  addresses: ReadonlySet<string>
  /** What came with this id or a later one stays; null: nothing does. */
  before: string | null
}

const PAGE = 20

/**
 * Takes what is of a customer out of what was set aside, and leaves the rest of each message as it is. Gives how many
 * messages it changed. What is read by nobody, not by this engine either, is left.
 */
export function eraseFromSetAside(tx: Tx, customer: GoingCustomer): Promise<number> {
  return rewriteSetAside(tx, customer.workspaceId, (entry) => withoutCustomer(entry, customer), 'customer')
}

/** The same for a workspace. */
export function eraseWorkspaceFromSetAside(tx: Tx, workspaceId: string): Promise<number> {
  return rewriteSetAside(tx, workspaceId, (entry) => withoutWorkspace(entry, workspaceId), 'workspace')
}

async function rewriteSetAside(
  tx: Tx,
  workspaceId: string,
  without: (entry: LogEntry) => LogEntry[],
  whose: 'customer' | 'workspace',
): Promise<number> {
  let changed = 0
  for (let after: string | null = null; ; ) {
    const page = await setAsideAfter(tx, workspaceId, after, PAGE)
    for (const { id, entry } of page) {
      const entries = readable(entry)
      const left = entries?.flatMap(without)
      if (entries === null || left === undefined || isSame(entries, left)) continue
      changed += 1
      // Its error may quote what it was about.
      if (left.length === 0) await deleteSetAside(tx, id)
      else await replaceSetAside(tx, id, encodeEntries(left), `a part of it was erased with its ${whose}`)
    }
    after = page.at(-1)?.id ?? null
    if (page.length < PAGE || after === null) return changed
  }
}

function readable(entry: Buffer): LogEntry[] | null {
  try {
    return decodeEntries(entry)
  } catch {
    return null
  }
}

function isSame(entries: readonly LogEntry[], left: readonly LogEntry[]): boolean {
  return entries.length === left.length && entries.every((each, index) => each === left[index])
}

function withoutWorkspace(entry: LogEntry, workspaceId: string): LogEntry[] {
  if (entry.kind === 'webhook') return entry.workspaceId === workspaceId ? [] : [entry]
  const events = entry.events.filter(({ event }) => event.workspaceId !== workspaceId)
  if (events.length === entry.events.length) return [entry]
  return events.length === 0 ? [] : [{ ...entry, events }]
}

/** The entry itself where nothing of it is the customer's. */
function withoutCustomer(entry: LogEntry, customer: GoingCustomer): LogEntry[] {
  if (customer.before !== null && entry.id >= customer.before) return [entry]
  if (entry.kind === 'webhook') return customer.addresses.has(entry.webhookUuid) ? [] : [entry]
  const events = entry.events.filter(
    ({ event, pending }) =>
      event.customerId !== customer.customerId &&
      !(event.workspaceId === customer.workspaceId && pending?.internalId === customer.internalId),
  )
  if (events.length === entry.events.length) return [entry]
  return events.length === 0 ? [] : [{ ...entry, events }]
}
