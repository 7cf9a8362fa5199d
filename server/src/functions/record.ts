import type { Database } from '../platform/database.ts'
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

/** How long calls are gathered, since nobody waits for their record: at a hundred calls a second ten statements, not a hundred. */
const GATHER_MS = 100
const GROUP_MAX = 500
const WAITING_MAX = 20_000
const WAITING_BYTES_MAX = 32 * 1024 * 1024

/**
 * Writes calls that end within a tenth of a second together. At most 20,000 calls or 32 MiB wait for it: while the database is
 * away or slow, what comes on top is not recorded, because a function must not be held up by its record.
 */
export function createCallRecorder({ database, log }: { database: Database; log: Log }): CallRecorder {
  let lost = 0

  /** Those that are lost at the same moment are one line of the log. */
  function lose(): void {
    if (lost === 0)
      setImmediate(() => {
        log.warn({ calls: lost }, 'calls of functions were not recorded')
        lost = 0
      })
    lost += 1
  }

  const group = createGroupCommit<FunctionCallRecord, null>({
    async write(calls) {
      await insertFunctionCalls(database, calls)
      return calls.map(() => null)
    },
    groupMax: GROUP_MAX,
    groupWeightMax: 4 * 1024 * 1024,
    writersMax: 1,
    waitingMax: WAITING_MAX,
    waitingWeightMax: WAITING_BYTES_MAX,
  })
  let gathered: FunctionCallRecord[] = []
  let timer: NodeJS.Timeout | null = null

  function handOver(): void {
    if (timer !== null) clearTimeout(timer)
    timer = null
    const calls = gathered
    gathered = []
    for (const call of calls) {
      const written = group.add(call, RECORD_BYTES + (call.error?.length ?? 0) + (call.logs?.length ?? 0))
      if (written === null) lose()
      else written.catch(lose)
    }
  }

  return {
    add(call) {
      gathered.push(call)
      if (gathered.length >= GROUP_MAX) handOver()
      else timer ??= setTimeout(handOver, GATHER_MS)
    },
    settled() {
      handOver()
      return group.drained()
    },
  }
}
