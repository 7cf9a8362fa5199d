import type { DataRecord, ErrorData, RecordEvent } from '@permea/contract'
import type { CollectionPlace } from '../data-collections/collection.ts'
import type { DataCollections, RecordPage } from '../data-collections/data-collections.ts'
import { FunctionFailed, objectIn } from '../data-collections/records.ts'
import { markOf } from '../data-records/list-pages.ts'
import { recordEventKey } from '../external-subscriptions/record-event.ts'
import { scanningBeside } from '../external-subscriptions/store.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { PullFailed, type PullRun, type RecordChange, recordHash } from './pull.ts'
import { dropSnapshot, seeRecords, shareRecords, snapshotSize, takeInShared, takeRecords, unseen } from './store.ts'

type Json = Record<string, unknown>

/** Past any of these a scan fails (wire data facts 6.2). */
const RECORDS_MAX = 100_000
const PAGES_MAX = 1000
const SCAN_MS_MAX = 20 * 60_000
/** So many records that are missing are asked for by their ids before they count as deleted: a list that moves while it is read leaves some out. */
const CONFIRMED_MAX = 200
const MISSING_PAGE = 500
/**
 * A page that fails again and again may be one that there is no more: then the scan begins anew. Longer than the longest
 * wait that an app may ask for.
 */
const RESUMED_MS_MAX = 70 * 60_000
/** Longer ids, in bytes, are not kept. */
const ID_BYTES_MAX = 1000

/** Where a scan stands between two pages. */
interface Progress {
  scan: number
  isBaseline: boolean
  todo: { parameters: Json; filter: Json; cursor?: string }[]
  /** Marks of the cursors that were asked for at the first place of `todo`. */
  asked?: string[]
  pages: number
  records: number
  startedAt: string
  /** When the last page was read. */
  pageAt?: string
  /** How long it read, without the waits in between. */
  ranMs?: number
}

/**
 * Reads every record of a collection, tells those that are new and those that are other than last time, and at its end
 * those that are gone. Each page is one transaction with its events; killed or failed in between, it goes on at the page
 * where it stood. The first scan only looks.
 */
export async function fullScan(
  run: PullRun,
  of: { place: CollectionPlace; type: RecordEvent; ignored: ReadonlySet<string> },
  { database, clock, collections }: { database: Database; clock: Clock; collections: DataCollections },
): Promise<void> {
  const { subscription, connection, journal, signal } = run
  const { place, type, ignored } = of
  const context = { sourceId: toWire('eep', run.pullId), signal }
  const now = () => clock.now()
  let at = progressOf(run.state, now()) ?? begun(run.state, place, now())
  const isResumed = at.pages > 0
  journal.telemetry.fullScan = { isBaseline: at.isBaseline, previousSnapshotMissing: at.isBaseline }
  if (isResumed) journal.note(`goes on after page ${at.pages}`)
  else journal.note(at.isBaseline ? 'looks for the first time: nothing is told of what is there' : `scan ${at.scan}`)

  for (let next = at.todo[0]; next !== undefined; next = at.todo[0]) {
    run.stopIfAborted()
    const beganMs = performance.now()
    const page = await collections.list(
      connection,
      { key: place.key, parameters: next.parameters },
      { filter: next.filter, ...(next.cursor === undefined ? {} : { cursor: next.cursor }) },
      context,
    )
    if (page.kind === 'failed') throw new PullFailed(page.error)
    const records = [...new Map(page.value.records.map((each) => [each.id, each])).values()].filter(isKept)
    if (records.length < new Set(page.value.records.map((each) => each.id)).size)
      journal.note('records were passed over: their ids are too long, or no text that can be kept')
    const isFirst = at.pages === 0
    const ranMs = (at.ranMs ?? 0) + performance.now() - beganMs
    const after = { ...following(at, page.value), pageAt: now().toISOString(), ranMs }
    refuseTooMuch(after)
    await run.commit({ progress: after, scan: at.scan }, async (tx) => {
      if (isFirst && at.isBaseline) await dropSnapshot(tx, subscription.id)
      if (isFirst) await takeInShared(tx, subscription.id)
      const rows = records.map((record) => ({ recordId: record.id, hash: recordHash(record, ignored) }))
      const isTold = !at.isBaseline
      const found = await seeRecords(tx, subscription.id, at.scan, rows, isTold)
      const seen = new Map(found.map((each) => [each.recordId, each]))
      const changes = at.isBaseline ? [] : changesOf(type, records, seen)
      if (type === 'created') await share(tx, run, changes, of)
      const told = (journal.found[type] ?? 0) + changes.length
      journal.found.skipped = Math.max(0, after.records - told)
      return changes
    })
    at = after
  }
  if (!at.isBaseline) await tellMissing(run, at, { place, type, ignored }, { database, collections })
  const total = await snapshotSize(database.db, subscription.id)
  Object.assign(objectIn(journal.telemetry.fullScan), {
    totalRecords: total,
    totalPages: at.pages,
    newSnapshotId: String(at.scan),
  })
  await run.commit({ scan: at.scan }, async () => [])
}

function isKept({ id }: DataRecord): boolean {
  return id.isWellFormed() && !id.includes('\0') && Buffer.byteLength(id) <= ID_BYTES_MAX
}

/** What flows were told is new, the scans for what is other and gone know of from then on, even if they look later. */
async function share(
  tx: Tx,
  { subscription }: PullRun,
  changes: readonly RecordChange[],
  { place, ignored }: { place: CollectionPlace; ignored: ReadonlySet<string> },
): Promise<void> {
  const rows = changes.flatMap((change) =>
    'record' in change ? [{ recordId: change.record.id, hash: recordHash(change.record, ignored) }] : [],
  )
  if (rows.length === 0) return
  const keys = (['updated', 'deleted'] as const).map((type) => recordEventKey({ type, collectionKey: place.key }))
  await shareRecords(tx, await scanningBeside(tx, subscription, keys), rows)
}

function changesOf(
  type: RecordEvent,
  records: readonly DataRecord[],
  seen: ReadonlyMap<string, { isNew: boolean; isChanged: boolean }>,
): RecordChange[] {
  return records.flatMap((record) => {
    const state = seen.get(record.id)
    const kind = state?.isNew === true ? 'created' : state?.isChanged === true ? 'updated' : null
    return kind === type ? [{ type, record }] : []
  })
}

/** Records that the scan has not met: those that the app does not know by their id are gone. */
async function tellMissing(
  run: PullRun,
  at: Progress,
  { place, type, ignored }: { place: CollectionPlace; type: RecordEvent; ignored: ReadonlySet<string> },
  { database, collections }: { database: Database; collections: DataCollections },
): Promise<void> {
  const { subscription, connection, journal, signal } = run
  const collection = await collections.collection(connection, place).catch((error: unknown) => {
    throw error instanceof FunctionFailed ? new PullFailed(error.error) : error
  })
  const canAsk = collection?.methods.findById?.run !== undefined
  let asked = 0
  for (;;) {
    run.stopIfAborted()
    const ids = await unseen(database.db, subscription.id, at.scan, MISSING_PAGE)
    if (ids.length === 0) return
    const gone: string[] = []
    const there: DataRecord[] = []
    for (const id of ids) {
      if (!canAsk || asked >= CONFIRMED_MAX) {
        gone.push(id)
        continue
      }
      asked += 1
      const found = await collections.findById(connection, place, id, { sourceId: toWire('eep', run.pullId), signal })
      if (found.kind === 'done') there.push({ ...found.value, id })
      else if (found.isGone === true) gone.push(id)
      // A list may know a record that cannot be asked for by its id.
      else if (found.error.key === 'not_supported') gone.push(id)
      else throw new PullFailed(found.error)
    }
    if (there.length > 0) journal.note(`${there.length} records were left out by the list and are still there`)
    await run.commit({ progress: at, scan: at.scan }, async (tx) => {
      // Under the id that was asked for: it is what the list knows it by.
      const rows = there.map((record) => ({ recordId: record.id, hash: recordHash(record, ignored) }))
      const seen = new Map((await seeRecords(tx, subscription.id, at.scan, rows)).map((each) => [each.recordId, each]))
      const taken = await takeRecords(tx, subscription.id, at.scan, ids)
      const changed = type === 'updated' ? changesOf(type, there, seen) : []
      const deleted = type === 'deleted' ? taken.map((id) => ({ type, record: { id } })) : []
      return [...changed, ...deleted]
    })
  }
}

function progressOf(state: Json | null, now: Date): Progress | null {
  const progress = state?.progress as Progress | undefined
  if (progress === undefined) return null
  const ageMs = now.getTime() - Date.parse(progress.pageAt ?? progress.startedAt)
  // Of a clock that was set back nothing can be said: it goes on.
  return ageMs > RESUMED_MS_MAX ? null : progress
}

function begun(state: Json | null, { parameters }: CollectionPlace, now: Date): Progress {
  const progress = state?.progress as Progress | undefined
  const last = typeof state?.scan === 'number' ? state.scan : 0
  // A first scan that never came to its end is still the first.
  const isBaseline = last === 0 || progress?.isBaseline === true
  return {
    scan: last + 1,
    isBaseline,
    todo: [{ parameters, filter: {} }],
    pages: 0,
    records: 0,
    startedAt: now.toISOString(),
  }
}

function following(at: Progress, { records, cursor, drilldowns }: RecordPage): Progress {
  const [current, ...rest] = at.todo
  if (current === undefined) throw new Error('a page is of something that was to be read')
  const isOver = cursor === undefined || cursor === current.cursor
  const before = at.asked ?? []
  const mark = cursor === undefined ? '' : markOf(cursor)
  // What comes after it was read already, so that of what else there is nothing can be said.
  if (!isOver && before.includes(mark)) throw new PullFailed(circling(cursor), true)
  const deeper = (drilldowns ?? []).map(({ parameters, filter }) => ({
    parameters: { ...current.parameters, ...parameters },
    filter: { ...current.filter, ...filter },
  }))
  return {
    ...at,
    todo: [...(isOver ? [] : [{ ...current, cursor }]), ...rest, ...deeper],
    asked: isOver ? [] : [...before, mark],
    pages: at.pages + 1,
    records: at.records + records.length,
  }
}

function circling(cursor: string | undefined): ErrorData {
  const message = `the list gives the cursor ${JSON.stringify(cursor).slice(0, 200)} a second time: its pages go in a circle`
  return { type: 'configuration', key: 'cursor_repeats', message }
}

function refuseTooMuch(at: Progress): void {
  const what =
    at.records > RECORDS_MAX
      ? `more than ${RECORDS_MAX} records`
      : at.pages > PAGES_MAX || at.todo.length > PAGES_MAX
        ? `more than ${PAGES_MAX} pages`
        : (at.ranMs ?? 0) > SCAN_MS_MAX
          ? 'more than twenty minutes'
          : null
  if (what !== null)
    throw new PullFailed(
      { type: 'configuration', key: 'scan_too_large', message: `the collection has ${what} to read` },
      true,
    )
}
