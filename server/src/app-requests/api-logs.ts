import type pg from 'pg'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Log } from '../platform/log.ts'
import { type ApiLog, type ApiLogContent, insertApiLogs } from './api-log-store.ts'

type Record_ = ApiLog & ApiLogContent

/** Keeps what was sent to apps. Nobody waits for it. */
export interface ApiLogs {
  add(record: Record_): void
  /** Resolves when every record so far is kept or given up. */
  settled(): Promise<void>
}

/**
 * Writes records that come at the same time together. At most 20,000, or 64 MiB, wait for it: while the database is away
 * or slow, what comes on top is not recorded, because a request must not be held up by its record.
 */
export function createApiLogs({ pool, log }: { pool: pg.Pool; log: Log }): ApiLogs {
  let lost = 0

  /** Those that are lost at the same moment are one line of the log. */
  function lose(): void {
    if (lost === 0)
      setImmediate(() => {
        log.warn({ requests: lost }, 'requests to external apps were not recorded')
        lost = 0
      })
    lost += 1
  }

  const group = createGroupCommit<Record_, null>({
    async write(records) {
      await insertApiLogs(pool, records)
      return records.map(() => null)
    },
    groupMax: 200,
    groupWeightMax: 4 * 1024 * 1024,
    writersMax: 1,
    waitingMax: 20_000,
    waitingWeightMax: 64 * 1024 * 1024,
  })
  return {
    add(record) {
      const written = group.add(record, 500 + record.request.length + (record.response?.length ?? 0))
      if (written === null) lose()
      else written.catch(lose)
    },
    settled: () => group.drained(),
  }
}
