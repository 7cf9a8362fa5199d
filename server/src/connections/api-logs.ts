import type pg from 'pg'
import type { Mask } from '../functions/masking.ts'
import type { ReceivedHeaders } from '../outbound/outcome.ts'
import { isDatabaseAway } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Log } from '../platform/log.ts'
import { type ApiLog, type ApiLogContent, insertApiLogs } from './api-log-store.ts'

/** Most of a body that is kept, in characters. */
const KEPT_CHARS_MAX = 16_384

/** So much more is looked at than is kept, so that a secret that lies across the cut is found whole. */
const MARGIN_CHARS = 4_096

type Record_ = ApiLog & ApiLogContent

/** Keeps what was sent to apps. Nobody waits for it. */
export interface ApiLogs {
  add(record: Record_): void
  /** Resolves when every record so far is kept or given up. */
  settled(): Promise<void>
}

/**
 * Writes records that come at the same time together. At most 20,000, or 64 MiB, wait for it: while the database is away
 * or slow, what comes on top is not recorded, because a request must not be held up by its record.
 */
export function createApiLogs({ pool, log }: { pool: pg.Pool; log: Log }): ApiLogs {
  let lost = 0
  const group = createGroupCommit<Record_, null>({
    async write(records) {
      try {
        await insertApiLogs(pool, records)
      } catch (error) {
        if (isDatabaseAway(error) || records.length === 1) lost += records.length
        // One of them cannot be stored; the others can.
        else for (const record of records) await insertApiLogs(pool, [record]).catch(() => (lost += 1))
      }
      if (lost > 0) log.warn({ requests: lost }, 'requests to external apps were not recorded')
      lost = 0
      return records.map(() => null)
    },
    groupMax: 200,
    groupWeightMax: 4 * 1024 * 1024,
    writersMax: 1,
    waitingMax: 20_000,
    waitingWeightMax: 64 * 1024 * 1024,
  })
  return {
    add(record) {
      const written = group.add(record, 500 + record.request.length + (record.response?.length ?? 0))
      if (written === null) lost += 1
    },
    settled: () => group.drained(),
  }
}

/** What is looked at of a body: more than is kept. */
export const LOOKED_AT_BYTES = KEPT_CHARS_MAX + MARGIN_CHARS

/** A body as it is kept: its beginning, without secrets. `bytes` is how long it was. */
export interface SeenBody {
  /** Its beginning, up to `LOOKED_AT_BYTES`. */
  start: Buffer | string
  bytes: number
}

const SECRET_HEADER = /authorization|cookie|token|secret|passw|signature|api[-_]?key|credential|private[-_]?key/i

/** Headers as they are kept: those that hold secrets by their name, and what is secret in others, masked. */
export function keptHeaders(headers: ReceivedHeaders, mask: Mask): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => {
      const text = Array.isArray(value) ? value.join(', ') : value
      return [name, SECRET_HEADER.test(name) ? '***' : mask.text(text)]
    }),
  )
}

/** A URL as it is kept: query values whose names sound like secrets, and what is secret in the rest, masked. */
export function keptUrl(text: string, mask: Mask): string {
  const url = URL.parse(text)
  if (url === null) return mask.text(text)
  for (const name of [...url.searchParams.keys()]) if (SECRET_HEADER.test(name)) url.searchParams.set(name, '***')
  return mask.text(url.href)
}

/** A body as it is kept; absent where there was none. */
export function keptBody(body: SeenBody | null, mask: Mask): Record<string, unknown> {
  if (body === null || body.bytes === 0) return {}
  const start = typeof body.start === 'string' ? body.start.slice(0, LOOKED_AT_BYTES) : body.start.toString('utf8')
  const text = withoutNamedSecrets(mask.text(start))
  const isWhole = start.length >= body.bytes || Buffer.byteLength(start) >= body.bytes
  const kept =
    isWhole && text.length <= KEPT_CHARS_MAX
      ? { body: parsed(text) }
      : { body: text.slice(0, KEPT_CHARS_MAX), bodyTruncated: true }
  return { ...kept, bodyBytes: body.bytes }
}

/** Names under which apps are told secrets, or tell them: of webhooks, of tokens. */
const SECRET_NAME = String.raw`[\w.[\]%-]*(?:secret|passw(?:or)?d|private[-_]?key|api[-_]?key|(?:access|refresh|auth|bearer|id)[-_]?token)[\w.[\]%-]*|token`
const NAMED_IN_JSON = new RegExp(String.raw`("(?:${SECRET_NAME})"\s*:\s*")(?:[^"\\]|\\.)*`, 'gi')
const NAMED_IN_FORM = new RegExp(`((?:^|&)(?:${SECRET_NAME})=)[^&]*`, 'gi')

/**
 * Secrets that nobody knew of before, which are made or told by this very exchange: they are known by their names, in
 * JSON and in forms, also where the text is cut.
 */
function withoutNamedSecrets(text: string): string {
  if (/^\s*[[{]/.test(text)) return text.replaceAll(NAMED_IN_JSON, '$1***')
  return /^[\w.[\]%-]+=/.test(text) ? text.replaceAll(NAMED_IN_FORM, '$1***') : text
}

function parsed(text: string): unknown {
  if (!/^\s*[[{]/.test(text)) return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
