import type pg from 'pg'
import { isDatabaseAway } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Log } from '../platform/log.ts'
import { type AttemptRecord, recordAttempts } from './store.ts'

const AGAIN_MS = 200

/** Writes attempts that end at the same time together; resolves when theirs is durable, true where a settling counts. */
export type RecordAttempt = (record: AttemptRecord) => Promise<boolean>

export function createAttemptRecorder(options: { pool: pg.Pool; log: Log }): RecordAttempt {
  /** A database that is away is waited for: what was sent must not be forgotten while this process lives. */
  async function write(records: readonly AttemptRecord[]): Promise<Set<string>> {
    for (;;) {
      try {
        return await recordAttempts(options.pool, records)
      } catch (error) {
        if (!isDatabaseAway(error)) throw error
        options.log.warn({ message: (error as Error).message }, 'attempts cannot be recorded yet; it is tried again')
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  const group = createGroupCommit<AttemptRecord, boolean>({
    async write(records) {
      const settled = await write(records)
      return records.map((each) => settled.has(each.attempt.deliveryId))
    },
    groupMax: 200,
    groupWeightMax: 16 * 1024 * 1024,
    writersMax: 2,
    waitingMax: 100_000,
    waitingWeightMax: Number.MAX_SAFE_INTEGER,
  })
  return async (record) => {
    const written = group.add(record, JSON.stringify(record.attempt.response ?? '').length + 1000)
    if (written === null) throw new Error('too many attempts wait to be recorded')
    return written
  }
}
