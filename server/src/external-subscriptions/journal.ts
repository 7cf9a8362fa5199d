import { createHash } from 'node:crypto'
import type { ApiClient } from '../functions/function.ts'
import type { GuestAnswer, GuestRequest } from '../sandbox/call.ts'

/** Answers that a function's requests got, kept while it is under way and until it has succeeded. */
export interface JournalContent {
  /** New with every registration: the root of the idempotency keys that its requests carry. */
  id: string
  entries: { key: string; answer: KeptAnswer }[]
}

type Answered = Extract<GuestAnswer, { kind: 'answered' }>
/** An answer as JSON can hold it. */
type KeptAnswer = Omit<Answered, 'body'> & { bodyBase64: string }

export interface Journal {
  content: JournalContent | null
  /** Makes the content durable. */
  save(content: JournalContent): Promise<void>
  newId(): string
}

const READS = new Set(['GET', 'HEAD', 'OPTIONS'])
/** Answers larger than this are not worth keeping: nobody answers a registration with so much. */
const ANSWER_BYTES_MAX = 256 * 1024

/**
 * An API client that remembers: a request that changes something and was answered well is not sent again when its
 * function is run again after a crash or a failure; it gets the answer that it got. Requests carry an
 * `Idempotency-Key` that is the same when they are repeated, for the moment between the app's answer and our record.
 * Which answer belongs to which request goes by what is asked, so that also a function that was mended in between goes
 * on where the one before it stood.
 */
export function journaled(client: ApiClient, journal: Journal): ApiClient {
  const unused = [...(journal.content?.entries ?? [])]
  const counts = new Map<string, number>()
  return {
    async request(request, how) {
      if (READS.has(request.method)) return client.request(request, how)
      const key = keyOf(request)
      const index = unused.findIndex((entry) => entry.key === key)
      if (index >= 0) {
        const [entry] = unused.splice(index, 1)
        counts.set(key, (counts.get(key) ?? 0) + 1)
        if (entry !== undefined) return revived(entry.answer)
      }
      const ordinal = counts.get(key) ?? 0
      counts.set(key, ordinal + 1)
      let content = journal.content
      if (content === null) {
        content = { id: journal.newId(), entries: [] }
        journal.content = content
        await journal.save(content)
      }
      const idempotencyKey = createHash('sha256').update(`${content.id}:${key}:${ordinal}`).digest('hex').slice(0, 32)
      const headers = { 'idempotency-key': idempotencyKey, ...request.headers }
      const answer = await client.request({ ...request, headers }, how)
      if (answer.kind === 'answered' && answer.status < 300 && answer.body.length <= ANSWER_BYTES_MAX) {
        content.entries.push({ key, answer: kept(answer) })
        await journal.save(content)
      }
      return answer
    },
  }
}

function kept({ body, ...answer }: Answered): KeptAnswer {
  return { ...answer, bodyBase64: body.toString('base64') }
}

function revived({ bodyBase64, ...answer }: KeptAnswer): Answered {
  return { ...answer, body: Buffer.from(bodyBase64, 'base64') }
}

function keyOf(request: GuestRequest): string {
  const { method, uri, baseUri, query, data, dataBase64 } = request
  const asked = JSON.stringify([method, uri, baseUri ?? null, query ?? null, data ?? null, dataBase64 ?? null])
  return createHash('sha256').update(asked).digest('hex').slice(0, 32)
}
