import { type Database, sql, type Tx } from './database.ts'
import { lowestIdAt } from './ids.ts'

const DAY_MS = 86_400_000

/** Days for which partitions exist ahead of time: the scheduler may be down that long. */
const DAYS_AHEAD = 4

/**
 * Keeps the partitions of growing tables: one per day ahead of time, none older than the retention.
 * Dropping a partition is how old rows leave, so the disk is bounded and nothing is vacuumed for it.
 * Rows of no partition (a clock far off) fall into the default one, are still found, and move to the partition of
 * their day once it is made. Safe for many processes at once.
 *
 * Which tables grow is read from the catalogue: every table partitioned by range on `id`.
 */
export async function keepPartitions(
  database: Database,
  now: Date,
  retentionDays: number,
  daysAhead = DAYS_AHEAD,
): Promise<{ dropped: string[] }> {
  const today = Math.floor(now.getTime() / DAY_MS)
  // Moving stray rows into their partition takes as long as there are many.
  return database.unhurried(async (db) => {
    const dropped: string[] = []
    for (const table of await growingTables(db)) {
      const existing = new Set(await partitionsOf(db, table))
      for (let day = today - 1; day <= today + daysAhead; day += 1) {
        if (!existing.has(partitionName(table, day))) await makePartition(db, table, day)
      }
      for (const name of existing) {
        const day = dayOf(table, name)
        if (day === null || day >= today - retentionDays) continue
        await inShortTries(db, async (tx) => void (await sql`drop table if exists ${sql.id(name)}`.execute(tx)))
        dropped.push(name)
      }
    }
    return { dropped }
  })
}

/** All processes make and drop partitions one after the other under this lock. */
const PARTITION_LOCK = 0x70650004

async function makePartition(db: Tx, table: string, day: number): Promise<void> {
  const name = partitionName(table, day)
  const from = lowestIdAt(new Date(day * DAY_MS))
  const to = lowestIdAt(new Date((day + 1) * DAY_MS))
  const stray = `${table}_default`
  await inShortTries(db, async (tx) => {
    if ((await partitionsOf(tx, table)).includes(name)) return
    await sql`create table ${sql.id(name)} (like ${sql.id(table)} including defaults including constraints)`.execute(tx)
    // Rows that came before their partition: without them the default partition would not let it in.
    await sql`lock table ${sql.id(stray)} in access exclusive mode`.execute(tx)
    await sql`with strayed as (delete from ${sql.id(stray)} where id >= ${from} and id < ${to} returning *)
      insert into ${sql.id(name)} select * from strayed`.execute(tx)
    await sql`alter table ${sql.id(table)} attach partition ${sql.id(name)}
      for values from (${sql.lit(from)}) to (${sql.lit(to)})`.execute(tx)
  })
}

/** Waits for locks in short tries, so that a long query never makes everybody else queue behind the change. */
async function inShortTries(db: Tx, change: (tx: Tx) => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await db.transaction().execute(async (tx) => {
        await sql`select pg_advisory_xact_lock(${PARTITION_LOCK})`.execute(tx)
        await sql`set local lock_timeout = '100ms'`.execute(tx)
        await change(tx)
      })
      return
    } catch (error) {
      if (tries >= 50 || (error as { code?: string }).code !== '55P03') throw error
    }
  }
}

function partitionName(table: string, day: number): string {
  return `${table}_${new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')}`
}

function dayOf(table: string, partition: string): number | null {
  const match = /^_(\d{4})(\d\d)(\d\d)$/.exec(partition.slice(table.length))
  return match === null ? null : Date.parse(`${match[1]}-${match[2]}-${match[3]}T00:00:00Z`) / DAY_MS
}

async function growingTables(db: Tx): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_partitioned_table p join pg_class c on c.oid = p.partrelid
     where p.partstrat = 'r' and c.relnamespace = current_schema()::regnamespace order by 1`.execute(db)
  return rows.map((row) => row.name)
}

async function partitionsOf(db: Tx, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
     where i.inhparent = ${table}::regclass`.execute(db)
  return rows.map((row) => row.name)
}
