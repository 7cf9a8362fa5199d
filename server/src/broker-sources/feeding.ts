import type { BrokerReading, ReadOutcome, ReadRequest } from '../outbound/brokers/reading.ts'
import type { Clock } from '../platform/clock.ts'
import { createReadSession, type ReadSession, type ReadSessionOptions, waited } from './read-session.ts'
import type { BrokerSource, ReadState } from './source.ts'
import type { Said } from './store.ts'

export interface FeedingOptions extends Omit<ReadSessionOptions, 'told' | 'failures'> {
  source: BrokerSource
  authorization: string | null
  clock: Clock
  random(): number
  read(request: ReadRequest): Promise<ReadOutcome>
  /** Told of each refusal. */
  refused: ReadSessionOptions['told']['refused']
  /** Told when its state is another one. */
  changed(): void
  /** How often its lag is asked for. */
  sayMs: number
  /** Waits between tries begin here, and double up to the most. */
  backoffMs?: number
}

/** Reads one source for as long as this process is to, connecting anew whenever that ends. */
export interface Feeding {
  readonly source: BrokerSource
  readonly webhookKey: string
  /** How it goes just now. */
  readonly how: Pick<Said, 'state' | 'lag'>
  /** How it goes, with what came since this was asked the last time. */
  say(): Said
  /** Resolves when nothing of it is under way. */
  stop(): Promise<void>
}

const CONNECT_MS = 15_000
const BACKOFF_MS = 500
const BACKOFF_MS_MAX = 15_000
/** After so long a failure is not the next of a row. */
const WELL_MS = 30_000

const NOTHING_SAID: Omit<Said, 'sourceId' | 'seenAt'> = {
  state: 'connecting',
  connectedAt: null,
  error: null,
  errorAt: null,
  lastMessageAt: null,
  lag: null,
  accepted: 0,
  refused: 0,
}

export function createFeeding(options: FeedingOptions): Feeding {
  const { source, clock } = options
  const stopping = new AbortController()
  const failures = new Map<string, number>()
  const now: Omit<Said, 'sourceId' | 'seenAt'> = { ...NOTHING_SAID }
  const stopped = new Promise<'stopped'>((resolve) =>
    stopping.signal.addEventListener('abort', () => resolve('stopped'), { once: true }),
  )

  function become(state: ReadState, error: string | null = null): void {
    const isOther = now.state !== state || (error !== null && now.error !== error)
    now.state = state
    if (error !== null) {
      now.error = error
      now.errorAt = clock.now()
    }
    if (isOther) options.changed()
  }

  function newSession(): ReadSession {
    return createReadSession({
      ...options,
      failures,
      told: {
        accepted(events) {
          now.accepted += events
          now.lastMessageAt = clock.now()
        },
        refused(message, refused) {
          now.refused += 1
          now.lastMessageAt = clock.now()
          options.refused(message, refused)
        },
        held: (why) => (why === null ? become('reading') : become('held', why)),
      },
    })
  }

  /** Reads until that ends; gives the reason. */
  async function readOnce(): Promise<string | 'stopped'> {
    const session = newSession()
    const begun = options.read({
      url: source.url,
      authorization: options.authorization,
      reader: `permea-${source.id}`,
      take: (message) => session.take(message),
      timeoutMs: CONNECT_MS,
    })
    const outcome = await Promise.race([begun, stopped])
    if (outcome === 'stopped') {
      void session.end()
      void begun.then((late) => (late.kind === 'reading' ? late.reading.close() : undefined))
      return outcome
    }
    if (outcome.kind !== 'reading') return outcome.message
    const { reading } = outcome
    now.connectedAt = clock.now()
    // What waited before the connection was lost is not what waits now.
    now.lag = null
    become('reading')
    const stopLag = followLag(reading, options.sayMs, (lag) => {
      now.lag = lag
    })
    const why = await Promise.race([reading.ended.then((error) => error.message), session.failed, stopped])
    stopLag()
    await session.end()
    await reading.close()
    now.connectedAt = null
    return why
  }

  async function run(): Promise<void> {
    let failed = 0
    while (!stopping.signal.aborted) {
      become(failed === 0 ? 'connecting' : now.state)
      const beganMs = performance.now()
      const why = await readOnce()
      if (stopping.signal.aborted) return
      failed = performance.now() - beganMs > WELL_MS ? 1 : failed + 1
      become('failing', why)
      const most = Math.min((options.backoffMs ?? BACKOFF_MS) * 2 ** (failed - 1), BACKOFF_MS_MAX)
      await waited(most * (0.5 + options.random() / 2), stopped)
    }
  }

  const running = run()
  const knownLag = () => (now.connectedAt === null ? null : now.lag)

  return {
    source,
    webhookKey: options.webhookKey,
    get how() {
      return { state: now.state, lag: knownLag() }
    },
    say() {
      const said = { ...now, lag: knownLag(), sourceId: source.id, seenAt: clock.now() }
      now.accepted = 0
      now.refused = 0
      return said
    },
    async stop() {
      stopping.abort()
      await running
    },
  }
}

function followLag(reading: BrokerReading, everyMs: number, say: (lag: number | null) => void): () => void {
  let isAsking = false
  const ask = () => {
    if (isAsking) return
    isAsking = true
    reading
      .lag()
      .then(say, () => say(null))
      .finally(() => {
        isAsking = false
      })
  }
  ask()
  const timer = setInterval(ask, everyMs)
  return () => clearInterval(timer)
}
