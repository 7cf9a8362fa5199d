import { randomUUID } from 'node:crypto'
import { type Database, sql } from './database.ts'
import type { Ownership } from './ownership.ts'

const ANSWER_MS = 2000

/**
 * Resolves when this process can do its work: both pools answer within two seconds, what they reach takes writes, and
 * the session that holds the shards is there. Rejects with what is missing, in words for an operator.
 */
export async function checkReady(database: Database, ownership: Pick<Ownership, 'trouble'>): Promise<void> {
  const trouble = ownership.trouble()
  if (trouble !== null) throw new NotReady(`no shards can be worked: ${trouble}`)
  const asked = Promise.all([database.query<{ readOnly: string }>(READ_ONLY), sql`select 1`.execute(database.db)])
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotReady('the database does not answer')), ANSWER_MS)
  })
  try {
    const [[hot]] = await Promise.race([asked, tooLong])
    if (hot?.readOnly !== 'off') throw new NotReady('the database takes no writes')
  } catch (error) {
    throw error instanceof NotReady ? error : new NotReady(`the database cannot be used: ${(error as Error).message}`)
  } finally {
    clearTimeout(timer)
    // Whoever does not wait for it any more need not hear how it went.
    void asked.catch(() => {})
  }
}

/** What a process lacks to be sent requests; its message may be shown to anybody who may ask for its health. */
class NotReady extends Error {}

const READ_ONLY = {
  name: 'readiness',
  text: `select current_setting('transaction_read_only') as "readOnly"`,
  values: [],
}

/**
 * Throws, in one line for an operator, where what stands behind the URL does not keep a session for a connection: a
 * pooler in transaction mode hands the settings, locks and prepared statements of one client to the next. The engine
 * would start, and fail later in ways that do not say why.
 *
 * One connection leaves a mark in its session. Another that stays in a transaction meanwhile finds the mark, or has
 * taken its server away: either shows that sessions are shared.
 */
export async function checkKeepsSessions(database: Database): Promise<void> {
  const mark = randomUUID()
  const first = await database.connect()
  const second = await database.connect()
  try {
    await first.query(`select set_config('permea.session', $1, false)`, [mark])
    await second.query('begin')
    const isSeen = (await markOf(second)) === mark
    const isKept = (await markOf(first)) === mark
    await second.query('rollback')
    if (isSeen || !isKept)
      throw new Error(
        'it goes through a pooler that shares sessions between connections (transaction mode); use session mode, or connect directly',
      )
  } finally {
    await Promise.all([first.end(), second.end()])
  }
}

/** The oldest PostgreSQL that everything here is known to work on; older ones lack what the schema is made of. */
const OLDEST_MAJOR = 15

/** Throws, in one line for an operator, where the server is older than what is supported. */
export async function checkVersion(database: Database, oldestMajor = OLDEST_MAJOR): Promise<void> {
  const { rows } = await database.pool.query<{ version: string; number: number }>(
    `select split_part(current_setting('server_version'), ' ', 1) as version, current_setting('server_version_num')::int as number`,
  )
  const [server] = rows
  if (server !== undefined && server.number < oldestMajor * 10_000)
    throw new Error(`it is PostgreSQL ${server.version}, and ${oldestMajor} or newer is needed`)
}

async function markOf(client: Awaited<ReturnType<Database['connect']>>): Promise<string | null> {
  const { rows } = await client.query<{ mark: string | null }>(`select current_setting('permea.session', true) as mark`)
  return rows[0]?.mark ?? null
}
