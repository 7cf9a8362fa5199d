import type { ErrorKey } from '@permea/contract'
import { Counter } from 'prom-client'
import { withoutAddresses } from '../exchanges/masked-words.ts'
import { excerptOf } from '../exchanges/recorded.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Database } from '../platform/database.ts'
import { createGroupCommit } from '../platform/group-commit.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { createOutageLog } from '../platform/outage-log.ts'
import { createTokenBuckets, type Rate } from '../platform/token-bucket.ts'
import type { RefusedRequest } from './refused-request.ts'
import { insertRefusedRequests } from './store.ts'

/** A refusal as it happens. What costs something to put together is asked for only where it is kept. */
export interface NotedRefusal {
  reason: ErrorKey
  status: number
  message: string
  method: string
  /** As requested, with the query. */
  url: string
  /** The network address of the sender. */
  address: string
  workspaceId: string | null
  customerId: string | null
  elementId: string | null
  /** The header that did not prove who sends it. */
  authorization: string | undefined
  /** The beginning of what was sent; empty where nothing was read. */
  body(): { text: string; contentType: string }
}

/** Notes what is refused: counts all of it, and keeps a sample, so that a flood costs no more than a counter. */
export interface RefusedRequests {
  note(refused: NotedRefusal): void
  /** Resolves when what was noted so far is stored, or given up. */
  settled(): Promise<void>
}

export interface RecorderOptions {
  database: Database
  ids: Ids
  metrics: Metrics
  log: Log
  /** The id of a workspace by its key; null where there is none. */
  workspaceByKey(key: string): Promise<string | null>
  /** The workspace, where there is only one: who else could have been meant? */
  onlyWorkspace(): Promise<string | null>
  nowMs?: () => number
}

/** Kept of one reason and one sender, of one reason, and of one workspace. The last bounds a day to 90,000 rows. */
const OF_SENDER: Rate = { perSecond: 1, burst: 5 }
const OF_REASON: Rate = { perSecond: 3, burst: 20 }
const OF_WORKSPACE: Rate = { perSecond: 1, burst: 3000 }

/** Refusals that may wait to be written; more are only counted. */
const WAITING_MAX = 500
const GROUP_MAX = 100
const COUNTED_SLOTS_MAX = 10_000

const MESSAGE_CHARS_MAX = 1000
const PATH_CHARS_MAX = 300
const NAME_CHARS_MAX = 200
const EXCERPT_CHARS_MAX = 1000

export function createRefusedRequests(options: RecorderOptions): RefusedRequests {
  const { database, ids, metrics } = options
  const buckets = createTokenBuckets(options.nowMs)
  const counted = boundedCache<number>(COUNTED_SLOTS_MAX)
  const outage = createOutageLog(options.log, 'the database, for the record of refusals,')
  const counter = new Counter({
    name: 'permea_refused_requests_total',
    help: 'Requests, and events of requests, that were refused',
    labelNames: ['reason'],
    registers: [metrics.registry],
  })
  const queue = createGroupCommit<Waiting, null>({
    async write(waiting) {
      const rows = await Promise.all(waiting.map(rowOf))
      await insertRefusedRequests(database.db, rows)
      return rows.map(() => null)
    },
    groupMax: GROUP_MAX,
    groupWeightMax: Number.POSITIVE_INFINITY,
    writersMax: 1,
    waitingMax: WAITING_MAX,
    waitingWeightMax: Number.POSITIVE_INFINITY,
  })

  /** Whether there is room for one more of its kind. */
  function isKept({ reason, address, workspaceId, customerId, elementId }: NotedRefusal): boolean {
    // Who cannot prove a workspace takes nothing from those that can.
    const whose = workspaceId ?? 'nobody'
    const sender = customerId ?? elementId ?? address
    return (
      buckets.take(`${whose} ${reason} ${sender}`, OF_SENDER) === null &&
      buckets.take(`${whose} ${reason}`, OF_REASON) === null &&
      buckets.take(whose, OF_WORKSPACE) === null
    )
  }

  async function rowOf({ refused, excerpt, notKept }: Waiting): Promise<RefusedRequest> {
    const claims = refused.workspaceId === null ? claimsOf(refused.authorization) : NO_CLAIMS
    const workspaceId =
      refused.workspaceId ??
      (claims.workspaceKey === null ? null : await options.workspaceByKey(claims.workspaceKey)) ??
      (await options.onlyWorkspace())
    const { reason, status, customerId, elementId } = refused
    return {
      id: ids.next(),
      workspaceId,
      customerId,
      elementId,
      reason,
      status,
      claimedId: claims.id,
      message: storable(messageOf(refused), MESSAGE_CHARS_MAX),
      method: storable(refused.method, NAME_CHARS_MAX),
      path: storable(pathOf(refused.url), PATH_CHARS_MAX),
      address: storable(refused.address, NAME_CHARS_MAX),
      excerpt: excerpt === null ? null : storable(excerpt, EXCERPT_CHARS_MAX),
      notKept,
    }
  }

  return {
    note(refused) {
      counter.inc({ reason: refused.reason })
      const slot = `${refused.workspaceId ?? 'nobody'} ${refused.reason}`
      const before = counted.get(slot) ?? 0
      const kept =
        isKept(refused) && queue.waiting < WAITING_MAX
          ? queue.add({ refused, excerpt: excerptIn(refused), notKept: before }, 1)
          : null
      counted.set(slot, kept === null ? before + 1 : 0)
      kept?.then(
        () => outage.worked(),
        (error: Error) => outage.failed(error),
      )
    },
    settled: () => queue.drained(),
  }
}

interface Waiting {
  refused: NotedRefusal
  excerpt: string | null
  notKept: number
}

/** The beginning of what was sent, or of the query where there was no body. */
function excerptIn({ url, body }: NotedRefusal): string | null {
  const { text, contentType } = body()
  if (text !== '') return excerptOf(text, contentType, EXCERPT_CHARS_MAX)
  const query = url.split('?')[1] ?? ''
  return query === '' ? null : excerptOf(query, 'application/x-www-form-urlencoded', EXCERPT_CHARS_MAX)
}

const UUID_CHARS_SHOWN = 8

/** The path without what opens a door: of the address of a webhook only the beginning. */
/** It may name the address as it was requested, whose last part may prove a sender. */
function messageOf({ message, url }: NotedRefusal): string {
  const path = url.split('?')[0] ?? ''
  return withoutAddresses(path === '' ? message : message.replaceAll(path, pathOf(url)))
}

function pathOf(url: string): string {
  const path = url.split('?')[0] ?? ''
  return path.replace(
    /^(\/webhooks\/[^/]+\/)([^/]{0,100})/,
    (_whole, start: string, uuid: string) =>
      start + (uuid.length > UUID_CHARS_SHOWN ? `${uuid.slice(0, UUID_CHARS_SHOWN)}…` : uuid),
  )
}

interface Claims {
  workspaceKey: string | null
  id: string | null
}

const NO_CLAIMS: Claims = { workspaceKey: null, id: null }
const TOKEN_CHARS_MAX = 8192

/** What a token says of its sender, although nothing proves it. */
function claimsOf(authorization: string | undefined): Claims {
  const payload = /^Bearer\s+[\w-]+\.([\w-]+)\./i.exec((authorization ?? '').slice(0, TOKEN_CHARS_MAX))?.[1]
  if (payload === undefined) return NO_CLAIMS
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'))
    if (typeof claims !== 'object' || claims === null) return NO_CLAIMS
    const named = (...names: string[]) => {
      const found = names.map((name) => (claims as Record<string, unknown>)[name]).find(isName)
      return found === undefined ? null : storable(String(found), NAME_CHARS_MAX)
    }
    return { workspaceKey: named('workspaceKey', 'iss'), id: named('tenantKey', 'id', 'sub') }
  } catch {
    return NO_CLAIMS
  }
}

function isName(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && value !== '')
}

/** A text that the database can hold. */
function storable(text: string, charsMax: number): string {
  return text.slice(0, charsMax).toWellFormed().replaceAll('\0', '\u{fffd}')
}
