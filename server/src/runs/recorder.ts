import type { Clock } from '../platform/clock.ts'
import { isRefused } from '../platform/database-errors.ts'
import { createGathering } from '../platform/gathering.ts'
import type { Log } from '../platform/log.ts'
import { createOutageLog } from '../platform/outage-log.ts'
import type { Batches } from './batches.ts'
import type { RecordProgress, RunProgress } from './record-store.ts'
import type { RunItem } from './run.ts'

/** Somebody whose progress is recorded: asked for what is new when a group is about to be written. */
export interface Progressing {
  /** What happened since the last time, or null; called once per write. */
  takeProgress(): RunProgress | null
  /**
   * The progress that was taken is durable; `hasEnded` where the run's end counted. Null: it could not be recorded, and
   * is not tried again here, so nothing that follows from it may begin.
   */
  recorded(hasEnded: boolean | null): void
}

/** Writes the progress of many runs together. */
export interface Recorder {
  /** Has the progress of a run written with the next group. */
  touch(run: Progressing): void
  /** The same, if it is not finished within a moment: most runs are, and then their start is written with their end. */
  touchSoon(run: Progressing): void
  /** From now on a database that is away is not waited for. */
  stop(): void
}

/** Records progress of a run that is not at work; true where its end counts. */
export function recordBeside(recorder: Recorder, progress: RunProgress): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let left: RunProgress | null = progress
  recorder.touch({
    takeProgress() {
      const taken = left
      left = null
      return taken
    },
    recorded: (hasEnded) => resolve(hasEnded === true),
  })
  return promise
}

const GROUP_MAX = 200
const WRITERS_MAX = 2
/** What a group may wait for others while runs get on one after the other. */
const GATHER_MS = 4
/** Most receivers have answered by then, and the run never needs a row of its own. */
const SOON_MS = 250
/** Of so many at a time the start is written by itself; where more are at work, only when they take this long. */
const SOON_MAX = 20
const LATE_MS = 1000
/** How often it is looked for such. */
const RIPEN_MS = 50
const AGAIN_MS = 200

interface RecorderOptions {
  record: RecordProgress
  clock: Clock
  batches: Batches
  log: Log
  onNews(): void
  /** What a run did was refused by the database, which has it as failed now. */
  onRefused(item: RunItem): void
}

export function createRecorder(options: RecorderOptions): Recorder {
  const { batches } = options
  const persistently = createPersistence(options, () => isStopped)
  const dirty = new Set<Progressing>()
  const writing = new Set<Progressing>()
  let young: { run: Progressing; atMs: number }[] = []
  let youngTimer: NodeJS.Timeout | null = null
  let writers = 0
  let isScheduled = false
  let isStopped = false

  const gathering = createGathering(GATHER_MS, () => pump())

  function schedule(): void {
    if (isScheduled || dirty.size === 0) return
    isScheduled = true
    setImmediate(pump)
  }

  function pump(): void {
    isScheduled = false
    while (writers < WRITERS_MAX && dirty.size > 0) {
      if (dirty.size < GROUP_MAX && !isStopped && gathering.isUnderWay()) return
      gathering.ended()
      if (!startGroup()) return
    }
  }

  /** Starts writing one group; false where everything that is dirty is being written already. */
  function startGroup(): boolean {
    const taken: Progressing[] = []
    const progress: RunProgress[] = []
    for (const run of dirty) {
      if (writing.has(run)) continue
      dirty.delete(run)
      const news = run.takeProgress()
      if (news === null) continue
      taken.push(run)
      progress.push(news)
      if (progress.length >= GROUP_MAX) break
    }
    if (taken.length === 0) return false
    for (const run of taken) writing.add(run)
    writers += 1
    void write(taken, progress).finally(() => {
      writers -= 1
      schedule()
    })
    return true
  }

  async function write(runs: readonly Progressing[], progress: readonly RunProgress[]): Promise<void> {
    const recorded = await persistently(progress).catch((error: Error) => {
      options.log.warn(
        { message: error.message },
        'what some runs did is not recorded; they go on from their last record',
      )
      return null
    })
    for (const [index, run] of runs.entries()) {
      writing.delete(run)
      const item = progress[index]?.item
      const isKept = item !== undefined && recorded?.unkept.has(item.id) === false
      if (isKept) batches.settle(item)
      else if (item !== undefined) batches.abandon(item)
      run.recorded(isKept ? recorded.ended.has(item.id) : null)
    }
  }

  function ripen(): void {
    youngTimer = null
    const nowMs = performance.now()
    const soon = young.findIndex((each) => each.atMs > nowMs - SOON_MS)
    const isCrowded = soon === -1 ? young.length > SOON_MAX : soon > SOON_MAX
    const ripe = isCrowded ? young.findIndex((each) => each.atMs > nowMs - LATE_MS) : soon
    for (const { run } of ripe === -1 ? young : young.slice(0, ripe)) dirty.add(run)
    young = ripe === -1 ? [] : young.slice(ripe)
    if (young.length > 0) youngTimer = setTimeout(ripen, RIPEN_MS)
    schedule()
  }

  return {
    touch(run) {
      dirty.add(run)
      gathering.came()
      schedule()
    },
    touchSoon(run) {
      young.push({ run, atMs: performance.now() })
      youngTimer ??= setTimeout(ripen, RIPEN_MS)
    },
    stop() {
      isStopped = true
      if (youngTimer !== null) clearTimeout(youngTimer)
    },
  }
}

const NOBODY: ReadonlySet<string> = new Set()

/** The runs whose end counted, and those of which the database would not have what they did. */
interface Recorded {
  ended: ReadonlySet<string>
  unkept: ReadonlySet<string>
}

/** Writes progress until it is written. */
function createPersistence(
  options: RecorderOptions,
  isStopped: () => boolean,
): (progress: readonly RunProgress[]) => Promise<Recorded> {
  const outage = createOutageLog(options.log, 'the record of runs')

  /**
   * Only what the database refused is given up. Whatever else goes wrong is waited for: what was done must not be
   * forgotten while this process lives, and a completed run must not be told as a failed one.
   */
  async function persistently(progress: readonly RunProgress[]): Promise<Recorded> {
    for (;;) {
      try {
        const doneBatches = options.batches.done
        const { ended, hasNews } = await options.record(progress, doneBatches, options.clock.now())
        options.batches.deleted(doneBatches)
        if (hasNews) options.onNews()
        outage.worked()
        return { ended, unkept: NOBODY }
      } catch (error) {
        if (isRefused(error)) return progress.length > 1 ? oneByOne(progress) : giveUp(progress, error as Error)
        if (isStopped()) throw error
        outage.failed(error as Error)
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  /** What the database refuses to store must neither hold up others nor be done again for ever: the run fails and says so. */
  async function giveUp(progress: readonly RunProgress[], error: Error): Promise<Recorded> {
    const [only] = progress
    options.log.error({ run: only?.item.id, message: error.message }, 'the progress of a run could not be recorded')
    if (only === undefined || only.nodeRuns.length === 0) return { ended: NOBODY, unkept: NOBODY }
    const failure = { type: 'internal' as const, key: 'internal', message: 'what the run did could not be recorded' }
    const finish = { state: 'failed' as const, endedAt: new Date(only.startedAt), errors: [failure], nodeCounts: {} }
    const { ended } = await persistently([{ ...only, nodeRuns: [], isAll: false, waits: null, finish }])
    if (ended.has(only.item.id)) options.onRefused(only.item)
    return { ended: NOBODY, unkept: new Set([only.item.id]) }
  }

  async function oneByOne(progress: readonly RunProgress[]): Promise<Recorded> {
    const [ended, unkept] = [new Set<string>(), new Set<string>()]
    for (const each of progress) {
      const one = await persistently([each])
      for (const id of one.ended) ended.add(id)
      for (const id of one.unkept) unkept.add(id)
    }
    return { ended, unkept }
  }

  return persistently
}
