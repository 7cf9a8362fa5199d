import type pg from 'pg'
import { type Database, NOTICES_VANISHED_CLIENTS, sql, type Tx } from './database.ts'

/** Classes of the advisory locks: who takes part, who works a shard, and which session has a number. */
export const MEMBER = 0x70650001
export const SHARD = 0x70650002
export const SESSION = 0x70650005
/** Where notices are told, as JSON. */
export const NOTICES = 'permea'

/**
 * The lock session's statements are short, so an answer that takes longer means that the way to the database is broken
 * without anybody having closed it: the session is given up before the database notices and others take its shards.
 */
const ANSWER_MS = 5000

/** A lock of one of ours; for a session's, `shard` is its number. */
export interface HeldLock {
  kind: number
  shard: number
  pid: number
}

/** The session of a process that its locks live and die with. */
export interface LockSession {
  /** The locks of ours that anybody holds. */
  held(): Promise<HeldLock[]>
  /** Takes the locks of those of the shards that nobody has; gives these. */
  take(shards: readonly number[]): Promise<number[]>
  release(shards: readonly number[]): Promise<void>
  end(): Promise<void>
}

/** What ownership needs of the database. */
export interface LockSessions {
  /**
   * A session that holds the lock of its number, and counts as a member where it is to work. `onGone` is called when it
   * is lost, `onNotice` for each notice that it hears.
   */
  open(wanted: {
    number: number
    isMember: boolean
    onGone(): void
    onNotice(payload: string): void
  }): Promise<LockSession>
  notify(payload: string): Promise<void>
  notifyOnCommit(tx: Tx, payload: string): Promise<void>
}

/** @param onSession called on each session when it is made: for locks that must live and die with it */
export function lockSessionsOf(
  database: Database,
  onSession: ((client: pg.Client) => Promise<void>) | undefined,
): LockSessions {
  return {
    async open({ number, isMember, onGone, onNotice }) {
      const client = await database.connect({ answerMs: ANSWER_MS })
      client.on('error', onGone)
      client.on('end', onGone)
      client.on('notification', (message) => onNotice(message.payload ?? ''))
      try {
        await client.query(NOTICES_VANISHED_CLIENTS)
        await client.query(`listen ${NOTICES}`)
        if (isMember) await client.query('select pg_advisory_lock_shared($1, 0)', [MEMBER])
        await client.query('select pg_advisory_lock_shared($1, $2)', [SESSION, number])
        await onSession?.(client)
      } catch (error) {
        await client.end().catch(() => {})
        throw error
      }
      return sessionOn(client)
    },
    async notify(payload) {
      await database.pool.query('select pg_notify($1, $2)', [NOTICES, payload])
    },
    async notifyOnCommit(tx, payload) {
      await sql`select pg_notify(${NOTICES}, ${payload})`.execute(tx)
    },
  }
}

function sessionOn(client: pg.Client): LockSession {
  return {
    async held() {
      const { rows } = await client.query<{ kind: string; shard: string; pid: number }>(
        `select classid as kind, objid as shard, pid from pg_locks
          where locktype = 'advisory' and granted and classid in ($1, $2, $3)
            and database = (select oid from pg_database where datname = current_database())`,
        [MEMBER, SHARD, SESSION],
      )
      return rows.map(({ kind, shard, pid }) => ({ kind: Number(kind), shard: Number(shard), pid }))
    },
    async take(shards) {
      const { rows } = await client.query<{ shard: number; got: boolean }>(
        'select s as shard, pg_try_advisory_lock($1, s) as got from unnest($2::int[]) s',
        [SHARD, shards],
      )
      return rows.filter((row) => row.got).map((row) => row.shard)
    },
    async release(shards) {
      await client.query('select pg_advisory_unlock($1, s) from unnest($2::int[]) s', [SHARD, shards])
    },
    async end() {
      await client.end()
    },
  }
}
