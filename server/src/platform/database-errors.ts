import pg from 'pg'

/**
 * What a failed statement says about the next try. `refused`: the database looked at the data and said no, or the
 * mistake is ours; the same statement fails again. `unreached`: it was not carried out for a reason outside of it (no
 * connection, a standby, no slot, no disk, a time-out, a deadlock); it is worth trying again, and nobody's mistake.
 */
export type DatabaseFailure = 'refused' | 'unreached'

/**
 * SQLSTATEs that speak of the server or of the moment, not of the statement.
 *
 * @source https://www.postgresql.org/docs/18/errcodes-appendix.html
 */
const NOT_REACHED = [
  /^08/, // connection exceptions
  /^25006$/, // read-only transaction: a standby, or a server that was demoted a moment ago
  /^40/, // rolled back for the sake of others: serialization, deadlock
  /^53/, // no memory, no disk, no slot
  /^55P03$/, // a lock was not had in time
  /^57(P|014$)/, // shut down, starting up, session or statement ended by time or by an operator
  /^58/, // the server's own input and output
]

/**
 * Messages of the driver's own errors, which have no code: it throws plain errors for connections that ended, for its own
 * time-outs, for answers that come when it waits for none, and where the process is ending.
 *
 * @source pg 8.23 `lib/client.js`, pg-pool 3.14 `index.js`, Kysely 0.29 `driver/`
 */
const DRIVER_SAYS_AWAY =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable|connection error|connection is closed|timeout expired|after calling end on the pool|driver has already been destroyed|connection has been discarded|Received unexpected \w+ message/i

/** What of a server that should take writes does not: it is a standby. Thrown when a connection is made. */
export class NotWritable extends Error {
  constructor(host: string) {
    super(`the server ${host} takes no writes (it is a standby, or set to read only)`)
  }
}

/** What the database says of values that it will never take: counts, data, rules, sizes. */
const REFUSED = /^(21|22|23|54)/

/** Calls of the operating system that a connection to the database is made of. */
const OF_A_CONNECTION = /^(connect|read|write|writev|shutdown|getaddrinfo|query[A-Z]\w*)$/

/**
 * Null for what neither says: an error from elsewhere, or a statement that does not fit the schema, as while processes
 * of two versions run side by side. Nothing may be given up for such an error.
 *
 * An error of the operating system about a connection counts as `unreached` whatever its code: which codes there are
 * differs by platform, resolver and network, and none of them says anything about the statement.
 */
export function failureOf(error: unknown): DatabaseFailure | null {
  if (error instanceof pg.DatabaseError) {
    const state = error.code ?? ''
    if (NOT_REACHED.some((pattern) => pattern.test(state))) return 'unreached'
    return REFUSED.test(state) ? 'refused' : null
  }
  if (error instanceof NotWritable) return 'unreached'
  if (error instanceof AggregateError) return error.errors.length > 0 ? failureOf(error.errors[0]) : null
  if (!(error instanceof Error)) return null
  if ([TypeError, SyntaxError, RangeError].some((kind) => error instanceof kind)) return 'refused'
  const { code, syscall } = error as NodeJS.ErrnoException
  if (OF_A_CONNECTION.test(syscall ?? '') || OF_THE_NETWORK.has(code ?? '')) return 'unreached'
  return DRIVER_SAYS_AWAY.test(error.message) ? 'unreached' : null
}

/** Codes that arrive without the name of the call. */
const OF_THE_NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EAI_AGAIN',
  'ENOTFOUND',
])

/** Whether the database could not be reached or did not carry out a statement for reasons of its own: try again. */
export function isDatabaseAway(error: unknown): boolean {
  return failureOf(error) === 'unreached'
}

/** Whether it would fail again the same way: the database refuses the data, or the mistake is ours. */
export function isRefused(error: unknown): boolean {
  return failureOf(error) === 'refused'
}

/** Whether an error is PostgreSQL saying that a unique rule was broken, and which. */
export function brokenUniqueRule(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code === '23505' ? (error.constraint ?? '') : null
}

/** A statement that does not fit the schema, as while processes of two versions run side by side. */
export function isOfSchema(error: unknown): boolean {
  return error instanceof pg.DatabaseError && failureOf(error) === null
}

/** As the database says that a quota does not allow what was to be made. */
const QUOTA_REACHED = 'PQ001'

export function reachedQuota(error: unknown): { quota: string; limit: number } | null {
  if (!(error instanceof pg.DatabaseError) || error.code !== QUOTA_REACHED) return null
  return { quota: error.hint ?? '', limit: Number(error.detail) }
}
