import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Log } from '../platform/log.ts'
import type { Patience } from './patience.ts'
import { type AttemptRecord, recordAttempts } from './store.ts'

/**
 * Writes attempts that end at the same time together; resolves when theirs is durable, true where a settling counts.
 * What the database refuses to store is stored without what was sent and answered: a delivery must not be sent for ever
 * because its record is refused.
 */
export type RecordAttempt = (record: AttemptRecord) => Promise<boolean>

/** Nobody waits for the record but the next attempt of an ordered destination. */
const GATHER_MS = 8

export function createAttemptRecorder(options: { database: Database; log: Log; patience: Patience }): RecordAttempt {
  const { log, patience } = options
  const write = (records: readonly AttemptRecord[]) =>
    patience.insist('attempts', () => recordAttempts(options.database, records))

  async function writeOne(record: AttemptRecord): Promise<boolean> {
    const left = [record, withoutDetails(record)]
    for (;;) {
      const next = left.shift()
      try {
        return (await write([next ?? bare(record)])).has(record.attempt.deliveryId)
      } catch (error) {
        if (isDatabaseAway(error)) throw error
        const { deliveryId } = record.attempt
        log.error({ delivery: deliveryId, message: (error as Error).message }, 'the record of an attempt was refused')
        if (next === undefined) await patience.pauseAfter(error)
      }
    }
  }

  /** One that is refused is waited for by who handed it in, and by nobody else. */
  async function writeAll(records: readonly AttemptRecord[]): Promise<(boolean | Promise<boolean>)[]> {
    try {
      const settled = await write(records)
      return records.map((each) => settled.has(each.attempt.deliveryId))
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      return records.map(writeOne)
    }
  }

  const group = createGroupCommit<AttemptRecord, boolean>({
    write: writeAll,
    groupMax: 200,
    groupWeightMax: 16 * 1024 * 1024,
    writersMax: 2,
    gatherMs: GATHER_MS,
    waitingMax: 100_000,
    waitingWeightMax: Number.MAX_SAFE_INTEGER,
  })
  return async (record) => {
    const written = group.add(record, JSON.stringify(record.attempt.response ?? '').length + 1000)
    if (written === null) throw new Error('too many attempts wait to be recorded')
    return written
  }
}

/** Nothing of what came from outside, or was measured. */
function bare(record: AttemptRecord): AttemptRecord {
  const { attempt } = withoutDetails(record)
  return { ...record, attempt: { ...attempt, errorClass: null, httpStatus: null, durationMs: 0 } }
}

function withoutDetails(record: AttemptRecord): AttemptRecord {
  const error = record.attempt.error === null ? null : 'what came of the attempt could not be recorded in full'
  return { ...record, attempt: { ...record.attempt, request: {}, response: null, error } }
}
