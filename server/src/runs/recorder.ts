import type pg from 'pg'
import { isDatabaseAway } from '../platform/database.ts'
import type { Log } from '../platform/log.ts'
import { type RunProgress, recordProgress } from './store.ts'

/** Somebody whose progress is recorded: asked for what is new when a group is about to be written. */
export interface Progressing {
  /** What happened since the last time, or null; called once per write. */
  takeProgress(): RunProgress | null
  /** The progress that was taken is durable; `hasEnded` where the run's end counted. */
  recorded(hasEnded: boolean): void
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

const GROUP_MAX = 200
const WRITERS_MAX = 2
const SOON_MS = 25
const AGAIN_MS = 200

export function createRecorder(options: { pool: pg.Pool; log: Log; onNews(): void }): Recorder {
  const dirty = new Set<Progressing>()
  const writing = new Set<Progressing>()
  let young: { run: Progressing; atMs: number }[] = []
  let youngTimer: NodeJS.Timeout | null = null
  let writers = 0
  let isScheduled = false
  let isStopped = false

  function schedule(): void {
    if (isScheduled || dirty.size === 0) return
    isScheduled = true
    setImmediate(() => {
      isScheduled = false
      while (writers < WRITERS_MAX && dirty.size > 0 && startGroup()) {}
    })
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
    const ended = await persistently(progress).catch((error: Error) => {
      options.log.warn(
        { message: error.message },
        'what some runs did is not recorded; they go on from their last record',
      )
      return new Set<string>()
    })
    for (const [index, run] of runs.entries()) {
      writing.delete(run)
      run.recorded(ended.has(progress[index]?.runId ?? ''))
    }
  }

  /** A database that is away is waited for: what was done must not be forgotten while this process lives. */
  async function persistently(progress: readonly RunProgress[]): Promise<Set<string>> {
    for (;;) {
      try {
        const { ended, hasNews } = await recordProgress(options.pool, progress)
        if (hasNews) options.onNews()
        return ended
      } catch (error) {
        if (!isDatabaseAway(error)) return progress.length > 1 ? oneByOne(progress) : giveUp(progress, error as Error)
        if (isStopped) throw error
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS))
      }
    }
  }

  /** What the database refuses to store must neither hold up others nor be done again for ever: the run fails and says so. */
  async function giveUp(progress: readonly RunProgress[], error: Error): Promise<Set<string>> {
    const [only] = progress
    options.log.error({ run: only?.runId, message: error.message }, 'the progress of a run could not be recorded')
    if (only === undefined || only.nodeRuns.length === 0) return new Set()
    const failure = { type: 'internal' as const, key: 'internal', message: 'what the run did could not be recorded' }
    const finish = { state: 'failed' as const, endedAt: new Date(only.startedAt), errors: [failure], nodeCounts: {} }
    return persistently([{ ...only, nodeRuns: [], waits: null, finish }]).catch(() => new Set<string>())
  }

  async function oneByOne(progress: readonly RunProgress[]): Promise<Set<string>> {
    const ended = new Set<string>()
    for (const each of progress) for (const id of await persistently([each])) ended.add(id)
    return ended
  }

  function ripen(): void {
    youngTimer = null
    const edgeMs = performance.now() - SOON_MS
    const ripe = young.findIndex((each) => each.atMs > edgeMs)
    for (const { run } of ripe === -1 ? young : young.slice(0, ripe)) dirty.add(run)
    young = ripe === -1 ? [] : young.slice(ripe)
    if (young.length > 0) youngTimer = setTimeout(ripen, SOON_MS)
    schedule()
  }

  return {
    touch(run) {
      dirty.add(run)
      schedule()
    },
    touchSoon(run) {
      young.push({ run, atMs: performance.now() })
      youngTimer ??= setTimeout(ripen, SOON_MS)
    },
    stop() {
      isStopped = true
      if (youngTimer !== null) clearTimeout(youngTimer)
    },
  }
}
