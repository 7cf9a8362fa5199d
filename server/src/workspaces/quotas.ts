import { QuotaName, type WorkspaceQuotas, type workspaces } from '@permea/contract'
import type { z } from 'zod'
import { quotaReached, RateLimited, Refusal } from '../api/refusal.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { createTokenBuckets } from '../platform/token-bucket.ts'
import type { WorkspaceDirectory } from './directory.ts'
import { elementCounts, forgetUsage, type TakenIn, takenIn } from './store.ts'
import type { Workspace } from './workspace.ts'

/** How long what was read is believed: so long, what other processes take in may go over a quota. */
const KEEP_MS = 1000
/** At the edge of a quota it is read anew, this often at most. */
const KEEP_AT_EDGE_MS = 100
const REMEMBERED_MAX = 10_000
const BURST_SECONDS = 5
const DAY_MS = 86_400_000
/** The longest that a quota looks back, where nothing is kept for longer. */
const MONTHS_DAYS = 62

const GONE = new Refusal('archived', 'the workspace of this webhook is not there any more')

export type QuotaUsage = z.input<typeof workspaces.usage.answer>['items'][number]

/** Holds workspaces to what they may take in. What they may have is held to by the database, see migration 0301. */
export interface Quotas {
  /**
   * Refuses with `quota_exceeded`, and with `archived` where the workspace is being deleted, before anything of a request is
   * read. Waits only where there is a quota to look up.
   */
  admit(workspaceId: string): void | Promise<void>
  /**
   * Refuses with `quota_reached` where a workspace has as many of something as it may: before what cannot be taken back is done
   * for one more. Where several are made at once the database decides.
   */
  roomFor(workspaceId: string, quota: QuotaName): Promise<void>
  usageOf(workspace: Workspace): Promise<QuotaUsage[]>
  forgetOld(now: Date): Promise<void>
}

interface Known {
  taken: TakenIn
  day: string
  readAtMs: number
  /** Let in since, by this process. */
  since: number
}

export function createQuotas(options: {
  database: Database
  clock: Clock
  directory: WorkspaceDirectory
  retentionDays: number
}): Quotas {
  const { database, clock, directory, retentionDays } = options
  const buckets = createTokenBuckets()
  const known = boundedCache<Known>(REMEMBERED_MAX)

  async function read(workspaceId: string, now: Date): Promise<Known> {
    const keptSince = dayOf(new Date(now.getTime() - retentionDays * DAY_MS))
    const readAtMs = performance.now()
    const taken = await takenIn(database.db, { workspaceId, today: dayOf(now), month: monthOf(now), keptSince })
    const found = { taken, day: dayOf(now), readAtMs, since: 0 }
    known.set(workspaceId, found)
    return found
  }

  /** Null where what is taken in cannot be counted: where the database is away, what comes is taken all the same. */
  async function standing(workspaceId: string, now: Date, keepMs: number): Promise<Known | null> {
    const found = known.get(workspaceId)
    if (found !== undefined && found.day === dayOf(now) && performance.now() - found.readAtMs < keepMs) return found
    try {
      return await read(workspaceId, now)
    } catch (error) {
      if (isDatabaseAway(error)) return null
      throw error
    }
  }

  async function admitCounted({ id, quotas }: Workspace): Promise<void> {
    const now = clock.now()
    let found = await standing(id, now, KEEP_MS)
    if (found !== null && passed(quotas, found, now) !== null) found = await standing(id, now, KEEP_AT_EDGE_MS)
    if (found === null) return
    const over = passed(quotas, found, now)
    if (over !== null) throw over
    found.since += 1
  }

  function admitTo(workspace: Workspace): void | Promise<void> {
    if (workspace.archivedAt !== null) throw GONE
    const { eventsPerSecond, eventsPerDay, eventsPerMonth, storedEventBytes } = workspace.quotas
    if (typeof eventsPerSecond === 'number') {
      const rate = { perSecond: eventsPerSecond, burst: Math.max(1, eventsPerSecond * BURST_SECONDS) }
      const waitSeconds = eventsPerSecond === 0 ? BURST_SECONDS : buckets.take(workspace.id, rate)
      if (waitSeconds !== null) throw refusalOf('eventsPerSecond', eventsPerSecond, waitSeconds)
    }
    if ([eventsPerDay, eventsPerMonth, storedEventBytes].some((each) => typeof each === 'number'))
      return admitCounted(workspace)
  }

  /** Where an address leads to, this process may remember for longer than the workspace is there. */
  function admitFound(workspace: Workspace | null): void | Promise<void> {
    if (workspace === null) throw GONE
    return admitTo(workspace)
  }

  return {
    admit(workspaceId) {
      const workspace = directory.peek(workspaceId)
      return workspace === null ? directory.find(workspaceId).then(admitFound) : admitTo(workspace)
    },
    async roomFor(workspaceId, quota) {
      const limit = (await directory.find(workspaceId))?.quotas[quota]
      if (typeof limit !== 'number') return
      const counts = await elementCounts(database.db, workspaceId)
      if ((counts[quota] ?? 0) >= limit) throw quotaReached({ quota, limit })
    },
    async usageOf({ id, quotas }) {
      const now = clock.now()
      const [{ taken }, counts] = await Promise.all([read(id, now), elementCounts(database.db, id)])
      return QuotaName.options.map((quota) => {
        const limit = quotas[quota]
        const used = usedOf(quota, taken, counts)
        const resetsAt = resetOf(quota, now)
        return {
          quota,
          ...(used === undefined ? {} : { used }),
          ...(typeof limit === 'number' ? { limit } : {}),
          ...(resetsAt === null ? {} : { resetsAt: resetsAt.toISOString() }),
        }
      })
    },
    async forgetOld(now) {
      const days = Math.max(retentionDays, MONTHS_DAYS) + 1
      await forgetUsage(database.db, dayOf(new Date(now.getTime() - days * DAY_MS)))
    },
  }
}

/** The quota that what was let in has come to; null where there is room for one more. */
function passed(quotas: WorkspaceQuotas, { taken, since }: Known, now: Date): RateLimited | null {
  const { eventsPerDay, eventsPerMonth, storedEventBytes } = quotas
  const until = (at: Date | null) => Math.max(1, Math.ceil(((at ?? tomorrow(now)).getTime() - now.getTime()) / 1000))
  if (typeof eventsPerDay === 'number' && taken.eventsOfDay + since >= eventsPerDay)
    return refusalOf('eventsPerDay', eventsPerDay, until(resetOf('eventsPerDay', now)))
  if (typeof eventsPerMonth === 'number' && taken.eventsOfMonth + since >= eventsPerMonth)
    return refusalOf('eventsPerMonth', eventsPerMonth, until(resetOf('eventsPerMonth', now)))
  if (typeof storedEventBytes === 'number' && taken.bytesKept >= storedEventBytes)
    return refusalOf('storedEventBytes', storedEventBytes, until(null))
  return null
}

const WORDS: Partial<Record<QuotaName, string>> = {
  eventsPerSecond: 'events a second',
  eventsPerDay: 'events a day',
  eventsPerMonth: 'events a month',
  storedEventBytes: 'bytes of events stored',
}

function refusalOf(quota: QuotaName, limit: number, waitSeconds: number): RateLimited {
  const said = `the workspace may have ${limit.toLocaleString('en')} ${WORDS[quota]} (quota ${quota}); nothing was stored`
  return new RateLimited(`${said}, try again in ${waitSeconds} s`, waitSeconds, 'quota_exceeded', { quota, limit })
}

function usedOf(quota: QuotaName, taken: TakenIn, counts: Record<string, number>): number | undefined {
  if (quota === 'eventsPerSecond') return undefined
  if (quota === 'eventsPerDay') return taken.eventsOfDay
  if (quota === 'eventsPerMonth') return taken.eventsOfMonth
  return quota === 'storedEventBytes' ? taken.bytesKept : (counts[quota] ?? 0)
}

function resetOf(quota: QuotaName, now: Date): Date | null {
  if (quota === 'eventsPerDay') return tomorrow(now)
  if (quota === 'eventsPerMonth') return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1))
  return null
}

const tomorrow = (now: Date) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() + 1))
const dayOf = (at: Date) => at.toISOString().slice(0, 10)
const monthOf = (at: Date) => `${at.toISOString().slice(0, 7)}-01`
