import { timingSafeEqual } from 'node:crypto'
import type { AuditVerification } from '@permea/contract'
import type { z } from 'zod'
import { type Database, sql } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { BEGINNING, type ChainedRecord, chainHash, type Head, sealOf, sha256 } from './record.ts'
import { anchorOf, headOf, recordsAfter } from './store.ts'

type Verification = z.input<typeof AuditVerification>

const AT_ONCE = 1000

/**
 * Goes through all records of a workspace and works out every hash anew. Finds what was changed, what is missing, what was
 * put in between, and an end that was cut off; the first of it is said. What is added meanwhile is left for the next time.
 */
export async function verifyChain(of: {
  database: Database
  workspaceId: string
  keys: readonly Uint8Array[]
  erasedCustomers(workspaceId: string): Promise<ReadonlySet<string>>
  /** A hash that was kept elsewhere. */
  kept?: string | undefined
}): Promise<Verification> {
  const { database, workspaceId, keys } = of
  const kept = of.kept?.toLowerCase()
  let erasedOf: ReadonlySet<string> | null = null
  return database.unhurried((db) =>
    // One look at all of it: records leave and come meanwhile.
    db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only')
      .execute(async (tx) => {
        await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
        const head = (await headOf(tx, workspaceId)) ?? { ...BEGINNING, seal: '' }
        const anchor = await anchorOf(tx, workspaceId)
        const start: Head = anchor ?? BEGINNING
        let last: Head = start
        let [records, erased] = [0, 0]
        let hasKept = start.hash === kept
        const retained = new Set<string>()
        let problem: Verification['problem']
        for (;;) {
          const rows = await recordsAfter(tx, workspaceId, last.sequence, AT_ONCE)
          for (const row of rows) {
            if (row.body === null) erasedOf ??= await of.erasedCustomers(workspaceId)
            const wrong = problemOf(row, last, erasedOf)
            if (wrong !== null) {
              problem = { ...wrong, id: toWire('aud', row.id) }
              break
            }
            if (row.body === null) erased += 1
            if (row.action === RETAINED && row.elementId !== null) retained.add(row.elementId)
            records += 1
            hasKept ||= row.hash === kept
            last = row
          }
          if (problem !== undefined || rows.length < AT_ONCE) break
        }
        problem ??= problemOfEnds({ workspaceId, head, anchor, last, retained, keys })
        return {
          isIntact: problem === undefined,
          records,
          ...(records === 0 ? {} : { firstSequence: start.sequence + 1, lastSequence: last.sequence }),
          hash: last.hash,
          ...(kept === undefined ? {} : { hasKept }),
          ...(anchor === null ? {} : { leftBySequence: anchor.sequence }),
          erased,
          ...(problem === undefined ? {} : { problem }),
        }
      }),
  )
}

/** The action of the record that says up to where records left. */
export const RETAINED = 'auditLog.retain'

/** What stands in that record for an anchor. */
export function anchorMark({ sequence, hash }: Head): string {
  return `${sequence}:${hash}`
}

function problemOf(
  row: ChainedRecord,
  last: Head,
  erasedOf: ReadonlySet<string> | null,
): { sequence: number; message: string } | null {
  const { sequence } = row
  const expected = last.sequence + 1
  if (sequence !== expected)
    return {
      sequence: expected,
      message: `records ${expected} to ${sequence - 1} are missing; the next one is ${sequence}`,
    }
  if (row.previousHash !== last.hash)
    return {
      sequence,
      message: 'it does not follow the record before it: that one, or this one, is another than was written',
    }
  if (row.body === null) {
    if (row.customerId === null || erasedOf?.has(row.customerId) !== true)
      return { sequence, message: 'its details are missing, and no erasure explains it' }
  } else if (sha256(row.body) !== row.detailsHash)
    return { sequence, message: 'its details (names, address, before, after) were changed' }
  if (chainHash(row) !== row.hash) return { sequence, message: 'it was changed: its hash is another' }
  return null
}

function problemOfEnds(of: {
  workspaceId: string
  head: Head & { seal: string }
  anchor: Head | null
  last: Head
  /** Marks of anchors that the chain has. */
  retained: ReadonlySet<string>
  keys: readonly Uint8Array[]
}): { sequence: number; message: string } | undefined {
  const { head, anchor, last } = of
  if (last.sequence !== head.sequence || last.hash !== head.hash)
    return {
      sequence: last.sequence + 1,
      message: `the end is missing: the last record is ${last.sequence}, but ${head.sequence} were written`,
    }
  if (head.sequence > 0 && !of.keys.some((key) => isSame(sealOf(of.workspaceId, head, key), head.seal)))
    return {
      sequence: head.sequence,
      message: 'the seal of the last record is not of this engine: the chain was written anew, or its key is gone',
    }
  if (anchor !== null && !of.retained.has(anchorMark(anchor)))
    return {
      sequence: anchor.sequence,
      message: `records up to ${anchor.sequence} are gone, and it was not the retention that removed them`,
    }
  return undefined
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)]
  return a.length === b.length && timingSafeEqual(a, b)
}
