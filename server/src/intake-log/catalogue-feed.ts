import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import type { Log } from '../platform/log.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Bucket } from './bus.ts'
import { bucketKey, CATALOGUE_KINDS } from './catalogue.ts'
import {
  type CatalogueRow,
  catalogueChanges,
  cataloguePage,
  catalogueRows,
  followCatalogue,
  forgetChanges,
} from './store.ts'

/** Whoever works this shard fills the bucket. */
const FEEDER_SHARD = 0
const PAGE = 500
/** How often changes are looked for that nobody told of. */
const SWEEP_MS = 1000
/** In the bucket: that all of the catalogue of this log is in it. */
const FILLED = 'filled'

/** Fills the bucket from the database: everything once, and then what changes, by whichever process works shard 0. */
export interface CatalogueFeed {
  start(): void
  stop(): Promise<void>
  /** There may be something to tell. */
  nudge(): void
}

export function createCatalogueFeed(options: {
  database: Database
  bucket: Bucket
  ownership: Pick<Ownership, 'owns'>
  log: Log
}): CatalogueFeed {
  const { database, bucket, ownership, log } = options
  let isStopped = false
  let isFollowing = false
  let wake: () => void = () => {}
  let running: Promise<void> = Promise.resolve()

  async function put({ kind, rowId, name, entry }: CatalogueRow): Promise<void> {
    await bucket.put(bucketKey(kind, name), JSON.stringify(entry))
    // Workspaces are asked for by id, too.
    if (kind === 'workspace') await bucket.put(bucketKey(kind, `id ${rowId}`), JSON.stringify({ key: name }))
  }

  async function fill(): Promise<void> {
    for (const kind of CATALOGUE_KINDS) {
      for (let after: string | null = null; !isStopped; ) {
        const rows: CatalogueRow[] = await cataloguePage(database.db, kind, after, PAGE)
        await Promise.all(rows.map(put))
        after = rows.at(-1)?.rowId ?? null
        if (rows.length < PAGE) break
      }
    }
  }

  /** Tells what changed, oldest first; gives how much it was. A change is forgotten once it is told. */
  async function tellChanges(): Promise<number> {
    const changes = await catalogueChanges(database.db, PAGE)
    if (changes.length === 0) return 0
    await Promise.all(
      changes.flatMap(({ kind, goneName }) => (goneName === null ? [] : [bucket.remove(bucketKey(kind, goneName))])),
    )
    for (const [kind, ofKind] of Map.groupBy(changes, (change) => change.kind)) {
      const ids = [...new Set(ofKind.map((change) => change.rowId))]
      await Promise.all((await catalogueRows(database.db, kind, ids)).map(put))
    }
    await forgetChanges(
      database.db,
      changes.map((change) => change.sequence),
    )
    return changes.length
  }

  async function round(): Promise<void> {
    if (!isFollowing) {
      await followCatalogue(database.db)
      isFollowing = true
    }
    if ((await bucket.get(FILLED)) === null) {
      await fill()
      if (!isStopped) await bucket.put(FILLED, 'all')
    }
    while ((await tellChanges()) === PAGE && !isStopped);
  }

  async function run(): Promise<void> {
    while (!isStopped) {
      if (ownership.owns(FEEDER_SHARD)) {
        await round().catch((error: Error) => {
          if (!isDatabaseAway(error)) log.warn({ message: error.message }, 'the catalogue of the intake log is behind')
        })
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, SWEEP_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  return {
    start() {
      running = run()
    },
    async stop() {
      isStopped = true
      wake()
      await running
    },
    nudge: () => wake(),
  }
}
