import type pg from 'pg'
import { isDatabaseAway } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Log } from '../platform/log.ts'
import { type FunctionCallRecord, insertFunctionCalls } from './store.ts'

/** Keeps calls. Nobody waits for it: a record that cannot be kept is lost, and the log says how many were. */
export interface CallRecorder {
  add(call: FunctionCallRecord): void
  /** Resolves when every record so far is kept or given up. */
  settled(): Promise<void>
}

/** Beside error and logs, in bytes. */
const RECORD_BYTES = 300

/**
 * Writes calls that end at the same time together. At most 20,000 calls or 32 MiB wait for it: while the database is
 * away or slow, what comes on top is not recorded, because a function must not be held up by its record.
 */
export function createCallRecorder({ pool, log }: { pool: pg.Pool; log: Log }): CallRecorder {
  let lost = 0
  const group = createGroupCommit<FunctionCallRecord, null>({
    async write(calls) {
      try {
        await insertFunctionCalls(pool, calls)
      } catch (error) {
        const message = (error as Error).message
        if (isDatabaseAway(error) || calls.length === 1) {
          log.warn({ calls: calls.length, message }, 'calls of functions could not be recorded')
        } else {
          // One of them cannot be stored; the others can.
          for (const call of calls) await insertFunctionCalls(pool, [call]).catch(() => (lost += 1))
        }
      }
      if (lost > 0) log.warn({ calls: lost }, 'calls of functions were not recorded')
      lost = 0
      return calls.map(() => null)
    },
    groupMax: 500,
    groupWeightMax: 4 * 1024 * 1024,
    writersMax: 1,
    waitingMax: 20_000,
    waitingWeightMax: 32 * 1024 * 1024,
  })
  return {
    add(call) {
      const written = group.add(call, RECORD_BYTES + (call.error?.length ?? 0) + (call.logs?.length ?? 0))
      if (written === null) lost += 1
    },
    settled: () => group.drained(),
  }
}
