import { LRUCache } from 'lru-cache'
import type { Clock } from '../platform/clock.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'

/** Key sets and certificates are small: what is longer is not kept. */
const ANSWER_BYTES_MAX = 256 * 1024
const KEPT_BYTES_MAX = 8 * 1024 * 1024

/** How long an answer counts, where its server says less, more or nothing. */
const FRESH_MS = { least: 60_000, most: 24 * 3_600_000, otherwise: 600_000 }

/** A new answer is asked for no more often, whoever asks: tokens that name unknown keys cost nobody a request each. */
const RELOAD_MS = 30_000

type Answered = Extract<GuestAnswer, { kind: 'answered' }>

interface Kept {
  answer: Answered
  atMs: number
  freshMs: number
}

/** Answers to plain requests that functions may share: keys and certificates that vendors publish. */
export interface KeptAnswers {
  /** The answer that is kept for this request, else what `ask` brings, which is kept if it can be. */
  take(request: GuestRequest, ask: () => Promise<GuestAnswer>): Promise<GuestAnswer>
}

/**
 * `fetch(url, { cache: 'force-cache' })` of functions. Only GET without headers and body is kept: what nobody's
 * credentials have changed is the same for everybody. `reload` asks anew.
 *
 * @source Fetch standard, "request cache mode"; RFC 9111, max-age
 */
export function createKeptAnswers(clock: Clock): KeptAnswers {
  const kept = new LRUCache<string, Kept>({
    maxSize: KEPT_BYTES_MAX,
    sizeCalculation: ({ answer }) => answer.body.byteLength + 1000,
  })
  return {
    async take(request, ask) {
      if (!isShared(request)) return ask()
      const known = kept.get(request.uri)
      const ageMs = known === undefined ? Number.POSITIVE_INFINITY : clock.now().getTime() - known.atMs
      const isGood = request.cache === 'reload' ? ageMs < RELOAD_MS : ageMs < (known?.freshMs ?? 0)
      if (known !== undefined && isGood) return known.answer
      const answer = await ask()
      if (answer.kind === 'answered' && answer.status === 200 && answer.body.byteLength <= ANSWER_BYTES_MAX)
        kept.set(request.uri, {
          answer: { ...answer, body: Buffer.from(answer.body) },
          atMs: clock.now().getTime(),
          freshMs: freshMs(answer),
        })
      return answer
    },
  }
}

function isShared({ cache, method, headers, data, dataBase64 }: GuestRequest): boolean {
  const isPlain = data === undefined && dataBase64 === undefined && Object.keys(headers ?? {}).length === 0
  return (cache === 'force-cache' || cache === 'reload') && method === 'GET' && isPlain
}

function freshMs({ headers }: Answered): number {
  const control = headers['cache-control'] ?? ''
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/.exec(control)?.[1]
  if (seconds === undefined) return FRESH_MS.otherwise
  return Math.min(FRESH_MS.most, Math.max(FRESH_MS.least, Number(seconds) * 1000))
}
