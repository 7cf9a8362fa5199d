import type { DataRecord, FunctionDefinition, RecordEvent } from '@permea/contract'
import { type CollectionCall, callOf, FunctionFailed, objectIn, recordOf } from '../data-collections/records.ts'
import type { Clock } from '../platform/clock.ts'
import { PullFailed, type PullRun, type RecordChange } from './pull.ts'

/** Read at a time; more that is new at once is read by the next pulls where the app keeps it, and told of as a failure. */
const PAGES_MAX = 100
const RECORDS_MAX = 10_000
/** Apps write with clocks of several machines: what came this late is still seen as new. */
const OVERLAP_MS = 5 * 60_000
const REMEMBERED_MAX = 5000
/** Pages without a record, one after the other, after which nothing more is expected: some apps filter what they have paged. */
const EMPTY_PAGES_MAX = 10
/** What is dated later than this from now says nothing of what is newest. */
const AHEAD_MS_MAX = 24 * 60 * 60_000

/** The newest moment that was seen, and the records around it with the moments they had. */
interface Latest {
  id?: string
  datetime?: string
  seen: Record<string, string>
}

/**
 * Reads the newest records until it meets what it knows. Known is what was seen with the same moment: records of one
 * moment are told apart by their ids, and what an app stamps a little late is not passed over. The first pull only looks, as
 * far back as the next ones will.
 */
export async function latestRecords(
  run: PullRun,
  {
    call,
    definition,
    type,
    clock,
  }: { call: CollectionCall; definition: FunctionDefinition; type: RecordEvent; clock: Clock },
): Promise<void> {
  const { journal } = run
  const before = run.state?.latest as Latest | undefined
  const isBaseline = before === undefined
  const latestMs = clock.now().getTime() + AHEAD_MS_MAX
  let sinceMs = timeOf(before?.datetime ?? '') - OVERLAP_MS
  const fresh: DataRecord[] = []
  const met: DataRecord[] = []
  let pages = 0
  let emptyPages = 0
  for (let cursor: unknown; ; ) {
    run.stopIfAborted()
    const value = objectIn(await page(call, definition, cursor))
    pages += 1
    const given = Array.isArray(value.records) ? value.records : []
    let isKnown = false
    for (const each of given) {
      const record = await recordOf(call, each)
      if (record === null) continue
      const moment = momentOf(record, type)
      met.push(record)
      const ms = timeOf(moment ?? '')
      if (isBaseline && ms <= latestMs) sinceMs = Math.max(sinceMs, ms - OVERLAP_MS)
      if (moment !== null && ms < sinceMs) isKnown = true
      else if (before === undefined || before.seen[record.id] !== (moment ?? '')) fresh.push(record)
    }
    const { cursor: following } = value
    const isLast = following === undefined || following === null || following === '' || following === cursor
    emptyPages = given.length === 0 ? emptyPages + 1 : 0
    if (isKnown || isLast || emptyPages === EMPTY_PAGES_MAX) break
    cursor = following
    if (pages >= PAGES_MAX || fresh.length > RECORDS_MAX) {
      // Nothing of a baseline is told: what is further back is left for what looks at everything.
      if (isBaseline) break
      const message = `more than ${fresh.length} records are new at once`
      throw new PullFailed({ type: 'configuration', key: 'too_many_records', message })
    }
  }
  const after = remembered(before, met, type, latestMs)
  journal.telemetry.pullLatest = {
    stateBefore: before === undefined ? undefined : { id: before.id, datetime: before.datetime },
    stateAfter: { id: after.id, datetime: after.datetime },
    pagesScanned: pages,
    scannedRecords: met
      .slice(0, 200)
      .map((record) => ({ id: record.id, datetime: momentOf(record, type) ?? undefined })),
    newRecordIds: fresh.slice(0, 200).map((record) => record.id),
    isBaseline,
  }
  // Oldest first, as it happened.
  const changes = isBaseline ? [] : fresh.toReversed().filter((record) => isOfType(record, type, before))
  const told = [...new Map(changes.map((record) => [record.id, record])).values()]
  journal.count('skipped', met.length - told.length)
  await run.commit({ latest: after }, async () => told.map((record): RecordChange => ({ type, record })))
}

async function page(call: CollectionCall, definition: FunctionDefinition, cursor: unknown): Promise<unknown> {
  const input = cursor === undefined || cursor === null ? {} : { cursor }
  try {
    return await callOf(call, definition, 'pullLatestRecords', input)
  } catch (error) {
    if (error instanceof FunctionFailed) throw new PullFailed(error.error)
    throw error
  }
}

function momentOf({ createdTime, updatedTime }: DataRecord, type: RecordEvent): string | null {
  return (type === 'created' ? createdTime : (updatedTime ?? createdTime)) ?? null
}

/** A record that was made since is told of as created, and not as changed as well. */
function isOfType(
  { id, createdTime, updatedTime }: DataRecord,
  type: RecordEvent,
  before: Latest | undefined,
): boolean {
  if (type !== 'updated' || createdTime === undefined || before?.datetime === undefined) return true
  // Never seen, and never changed: it was made since, whatever moment the app gave it.
  if (createdTime === updatedTime && before.seen[id] === undefined) return false
  return Date.parse(createdTime) <= Date.parse(before.datetime)
}

function remembered(
  before: Latest | undefined,
  met: readonly DataRecord[],
  type: RecordEvent,
  latestMs: number,
): Latest {
  const moments = new Map(Object.entries(before?.seen ?? {}))
  for (const record of met) moments.set(record.id, momentOf(record, type) ?? '')
  const newestFirst = [...moments].toSorted(([, a], [, b]) => timeOf(b) - timeOf(a))
  // One record that is dated years ahead must not make all that come after it look old. What was newest stays it: a clock
  // that is set back tells nothing twice.
  const knownMs = Math.max(latestMs, timeOf(before?.datetime ?? ''))
  const newest = newestFirst.find(([, moment]) => timeOf(moment) <= knownMs) ?? newestFirst[0]
  const datetime = newest?.[1] === '' ? undefined : newest?.[1]
  const fromMs = datetime === undefined ? Number.NEGATIVE_INFINITY : Date.parse(datetime) - OVERLAP_MS
  const seen = newestFirst.filter(([, moment]) => moment === '' || timeOf(moment) >= fromMs).slice(0, REMEMBERED_MAX)
  return {
    ...(newest === undefined ? {} : { id: newest[0] }),
    ...(datetime === undefined ? {} : { datetime }),
    seen: Object.fromEntries(seen),
  }
}

function timeOf(moment: string): number {
  const ms = Date.parse(moment)
  return Number.isNaN(ms) ? Number.NEGATIVE_INFINITY : ms
}
