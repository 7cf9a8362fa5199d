import { createHash } from 'node:crypto'
import type { Database } from '../platform/database.ts'
import { lowestIdAt, NO_ID } from '../platform/ids.ts'
import { cutRows, dueRows, endOfPortion, neededRows } from './payload-cuts.ts'
import { PAYLOAD_LOGS, type PayloadLog } from './payload-logs.ts'
import {
  addWaiting,
  dropWaiting,
  keepCut,
  keepRules,
  lockCut,
  logsWaiting,
  type PayloadRules,
  payloadRules,
  waitingOf,
} from './payload-store.ts'

const DAY_MS = 86_400_000
/** What is being written just now may have an earlier id than what is there. */
const SETTLED_MS = 60_000
/** Once a day it is gone back so far, for what was written long after it came. */
const LOOK_BACK_MS = 25 * 3_600_000
/** Rows that are gone through in one transaction. */
const ROWS_MAX = 500
/** Where all that is due was looked at, no more is due for some minutes: payloads are kept for days, unless for none. */
const CALM_MS = 5 * 60_000
/** Work of one time: the rest is done the next time. */
const SLICE_MS = 3000

/**
 * Cuts payloads that are kept for a shorter time than what is known of them. Each row is looked at once for each number
 * of days that anybody set, however much is stored; what is not finished waits aside until it is.
 */
export interface PayloadRetention {
  /**
   * Goes on where it stood; true where all that is due was looked at. Safe for many processes at once. Asks little of the
   * database where nothing can be due, unless it is to look at everything all the same.
   */
  run(now: Date, isThorough?: boolean): Promise<boolean>
}

export interface PayloadRetentionOptions {
  database: Database
  /** Days that payloads are kept where nothing else is said; null: as long as the rest. */
  payloadRetentionDays?: number | null
  /** Days after which all of it goes. */
  retentionDays: number
}

export function createPayloadRetention(options: PayloadRetentionOptions): PayloadRetention {
  const { database, payloadRetentionDays = null, retentionDays } = options
  let known = ''
  /** By log and days: when all that was due had been looked at. */
  const calmSince = new Map<string, number>()

  function isCalm(key: string, now: Date): boolean {
    const sinceMs = now.getTime() - (calmSince.get(key) ?? Number.NEGATIVE_INFINITY)
    // Not where the clock was set back.
    return sinceMs >= 0 && sinceMs < CALM_MS
  }

  /** True where nothing more is due. */
  async function portion(of: PayloadLog, rules: PayloadRules, days: number, now: Date): Promise<boolean> {
    const dueMs = now.getTime() - Math.max(days * DAY_MS, SETTLED_MS)
    const today = Math.floor(now.getTime() / DAY_MS)
    return database.transaction(async (tx) => {
      const at = await lockCut(tx, of.log, days)
      // Another process is at it.
      if (at === null) return true
      const back = lowestIdAt(new Date(dueMs - LOOK_BACK_MS))
      const from = at.lookedBackOn !== today && back < at.untilId ? back : at.untilId
      const end = await endOfPortion(tx, of, { from, before: lowestIdAt(new Date(dueMs)) }, ROWS_MAX)
      if (end === null) {
        await keepCut(tx, { log: of.log, days, untilId: from > at.untilId ? from : at.untilId, lookedBackOn: today })
        return true
      }
      const due = await dueRows(tx, of, rules, days, { from, to: end.lastId })
      const ids = (isNeeded: boolean) => due.filter((row) => row.isNeeded === isNeeded).map(({ id }) => id)
      await addWaiting(tx, of.log, ids(true))
      await cutRows(tx, of, ids(false).toSorted(), now)
      await keepCut(tx, { log: of.log, days, untilId: end.lastId, lookedBackOn: today })
      return end.rows < ROWS_MAX
    })
  }

  /** Cuts what waited and is not needed any more; gives where to go on. */
  async function waited(of: PayloadLog, after: string, now: Date): Promise<string | null> {
    return database.transaction(async (tx) => {
      const ids = await waitingOf(tx, of.log, after, ROWS_MAX)
      const rows = await neededRows(tx, of, ids)
      const needed = new Set(rows.filter((row) => row.isNeeded).map(({ id }) => id))
      const there = new Set(rows.map(({ id }) => id))
      await cutRows(
        tx,
        of,
        ids.filter((id) => there.has(id) && !needed.has(id)),
        now,
      )
      await dropWaiting(
        tx,
        of.log,
        ids.filter((id) => !needed.has(id)),
      )
      return ids.length < ROWS_MAX ? null : (ids.at(-1) ?? null)
    })
  }

  return {
    async run(now, isThorough = false) {
      const untilMs = performance.now() + SLICE_MS
      const isLate = () => performance.now() > untilMs
      const rules = await payloadRules(database.db, payloadRetentionDays)
      const days = daysIn(rules).filter((each) => each < retentionDays)
      const fingerprint = createHash('sha256').update(JSON.stringify(rules)).digest('hex')
      if (isThorough || fingerprint !== known) {
        await database.transaction((tx) => keepRules(tx, fingerprint))
        calmSince.clear()
        known = fingerprint
      }
      // By other rules nothing waits any more.
      if (days.length === 0) return true
      const waiting = await logsWaiting(database.db)
      for (const of of PAYLOAD_LOGS) {
        for (const each of days) {
          const key = `${of.log} ${each}`
          if (each > 0 && isCalm(key, now)) continue
          while (!(await portion(of, rules, each, now))) if (isLate()) return false
          calmSince.set(key, now.getTime())
        }
        if (of.isNeeded === undefined || !waiting.has(of.log)) continue
        for (let after: string | null = NO_ID; after !== null && !isLate(); ) after = await waited(of, after, now)
      }
      return !isLate()
    },
  }
}

/** The numbers of days that anybody set, each once. */
function daysIn({ usual, workspaces, internal, external }: PayloadRules): number[] {
  const all = [...(usual === null ? [] : [usual]), ...[...workspaces, ...internal, ...external].map(({ days }) => days)]
  return [...new Set(all)].toSorted((one, other) => one - other)
}
