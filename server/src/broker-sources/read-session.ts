import { ERRORS, type ErrorKey } from '@permea/contract'
import { RateLimited, type Refusal } from '../api/refusal.ts'
import type { EventAnswer } from '../events/accept.ts'
import type { EventRequest, IntakeRefusal } from '../events/stages.ts'
import type { ArrivedMessage } from '../outbound/brokers/reading.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import { placeIn, type Span, type Tracing } from '../platform/tracing.ts'
import { refusalIn, requestOf, tellsApart } from './message.ts'
import type { BrokerSource } from './source.ts'

export type Taken = EventAnswer | IntakeRefusal

export interface ReadSessionOptions {
  source: BrokerSource
  webhookKey: string
  accept(requests: EventRequest[]): Promise<(Taken | Promise<Taken>)[]>
  /** Refuses with `RateLimited` what a limit of the workspace does not let in now. */
  admit(): void | Promise<void>
  /** Where it is told in traces; null for nowhere. */
  tracing: Tracing | null
  /** How often messages failed for our own mistake, over sessions. */
  failures: Map<string, number>
  told: {
    /** Events were stored that came now. */
    accepted(events: number): void
    refused(message: ArrivedMessage, refused: { reason: ErrorKey; message: string; text: string }): void
    /** Nothing is taken in for the reason given; null: it goes on. */
    held(why: string | null): void
  }
}

/**
 * Takes in what is read over one connection, in order and in groups, as requests at the webhook of the event type are, and
 * settles each message when it is stored. What cannot be stored now ends the session: the broker has it still.
 */
export interface ReadSession {
  take(message: ArrivedMessage): void
  /** Resolves with the reason why it cannot go on. */
  readonly failed: Promise<string>
  /** Takes in nothing more; resolves when what is under way is settled, or after a while. */
  end(): Promise<void>
}

const GROUP_MAX = 200
const GROUP_BYTES_MAX = 16 * 1024 * 1024
/** A limit is asked again after this long at most. */
const HOLD_MS_MAX = 2000
const SETTLE_MS = 3000
/** A message that we make a mistake about is set aside at the third time. */
const FAILURES_MAX = 3
const NOTED_FAILURES_MAX = 1000

/** What is refused by how things stand now, and not by what the message says. */
const NOT_NOW: ReadonlySet<ErrorKey> = new Set<ErrorKey>([
  'unavailable',
  'overloaded',
  'not_found',
  'archived',
  'not_authenticated',
])

export function createReadSession(options: ReadSessionOptions): ReadSession {
  const { source, told, failures } = options
  const failed = Promise.withResolvers<string>()
  const over = Promise.withResolvers<'over'>()
  const queue = createGroupCommit<EventRequest, Taken>({
    write: options.accept,
    groupMax: GROUP_MAX,
    groupWeightMax: GROUP_BYTES_MAX,
    // One group after the other: the order of the broker is the order of the events.
    writersMax: 1,
    // The broker is asked for only so much at a time.
    waitingMax: Number.POSITIVE_INFINITY,
    waitingWeightMax: Number.POSITIVE_INFINITY,
  })
  let isOver = false
  let turn: Promise<void> = Promise.resolve()

  function fail(why: string): void {
    isOver = true
    over.resolve('over')
    failed.resolve(why)
  }

  function refuse(message: ArrivedMessage, { key, message: why }: Pick<Refusal, 'key' | 'message'>): void {
    told.refused(message, { reason: key, message: why, text: message.body.toString('utf8', 0, 8192) })
    message.drop()
  }

  async function begin(message: ArrivedMessage): Promise<void> {
    if (isOver) return
    let read: Awaited<ReturnType<typeof requestOf>>
    try {
      read = await requestOf(message, source, options.webhookKey)
    } catch (error) {
      const refusal = refusalIn(error)
      if (refusal === null) return mistaken(message, error)
      return refuse(message, refusal)
    }
    if (!(await admitted(options, { over: over.promise, fail })) || isOver) return
    const span = spanOf(options, message)
    const waiting = queue.add({ ...read.request, trace: span?.place ?? null }, read.bytes + 200)
    if (waiting === null) throw new Error('a queue without bounds takes everything')
    endWith(span, waiting)
    waiting.then(
      (taken) => settle(message, read.request, taken),
      (error: unknown) => mistaken(message, error),
    )
  }

  function settle(message: ArrivedMessage, { events }: EventRequest, taken: Taken): void {
    failures.delete(tellsApart(message))
    if (taken.kind === 'refused') {
      if (NOT_NOW.has(taken.key)) fail(taken.message)
      else refuse(message, taken)
      return
    }
    const { results } = taken.body
    let refused = 0
    if (!taken.isRepeat)
      for (const [index, each] of results.entries()) {
        if (!('error' in each)) continue
        refused += 1
        const { key, message: why } = each.error
        told.refused(message, { reason: key as ErrorKey, message: why, text: events[index]?.text ?? '' })
      }
    if (!taken.isRepeat) told.accepted(results.length - refused)
    if (taken.status === ERRORS.events_refused.status) message.drop()
    else message.done()
  }

  /** What went wrong may be the database's, or ours: then it is tried again, but not for ever. */
  function mistaken(message: ArrivedMessage, error: unknown): void {
    const why = (error as Error).message
    if (isDatabaseAway(error)) {
      fail('the database is away')
      return
    }
    const key = tellsApart(message)
    const times = (failures.get(key) ?? 0) + 1
    if (times >= FAILURES_MAX) {
      failures.delete(key)
      refuse(message, { key: 'internal', message: `it failed ${times} times: ${why}` })
      return
    }
    if (failures.size < NOTED_FAILURES_MAX) failures.set(key, times)
    fail(`a message could not be stored (${times} of ${FAILURES_MAX} tries): ${why}`)
  }

  return {
    take(message) {
      turn = turn.then(() => begin(message)).catch((error: Error) => fail(error.message))
    },
    failed: failed.promise,
    async end() {
      isOver = true
      over.resolve('over')
      await waited(
        SETTLE_MS,
        turn.then(() => queue.drained()),
      )
    },
  }
}

/** What comes of a message stands beneath what its sender says that it stands in; null where nobody is told. */
function spanOf({ tracing, source }: ReadSessionOptions, { headers }: ArrivedMessage): Span | null {
  if (tracing === null) return null
  const attributes = { 'messaging.operation.type': 'receive' }
  return tracing.begin({ name: `receive ${source.key}`, kind: 'consumer', beneath: placeIn(headers), attributes })
}

function endWith(span: Span | null, waiting: Promise<Taken>): void {
  waiting.then(
    (taken) => span?.end(taken.kind === 'refused' ? { error: taken.key } : {}),
    (error: unknown) => span?.end({ error: (error as Error).message }),
  )
}

/** Waits until the workspace lets one more in; false where the session is over before. */
async function admitted(
  { admit, told }: ReadSessionOptions,
  { over, fail }: { over: Promise<'over'>; fail(why: string): void },
): Promise<boolean> {
  for (let isHeld = false; ; isHeld = true) {
    try {
      await admit()
      if (isHeld) told.held(null)
      return true
    } catch (error) {
      if (!(error instanceof RateLimited)) {
        fail(isDatabaseAway(error) ? 'the database is away' : (error as Error).message)
        return false
      }
      told.held(error.message)
      if ((await waited(Math.min(error.retryAfterSeconds * 1000, HOLD_MS_MAX), over)) === 'over') return false
    }
  }
}

/** Resolves after a time, or with what comes before. */
export async function waited<T>(ms: number, before: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined
  const passed = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), ms)
  })
  const which = await Promise.race([passed, before])
  clearTimeout(timer)
  return which
}
