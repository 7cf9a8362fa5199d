import { setAsideIntake as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import { isDatabaseAway } from '../platform/database-errors.ts'
import { fromWire, timeOfId, toWire } from '../platform/ids.ts'
import { type ApplyEventsOptions, createApplyEvents, type Prepared, type Stored } from './apply-events.ts'
import { type ApplyWebhookOptions, createApplyWebhook } from './apply-webhook.ts'
import { decodeEntries } from './log-entry.ts'
import { deleteSetAside, findSetAside, listSetAside, lockSetAside, noteTriedAgain, type SetAside } from './store.ts'

const EXCERPT_CHARS = 1000

/** What was set aside, also where there is no intake log any more. */
export function setAsideRoutes(options: ApplyEventsOptions & ApplyWebhookOptions): RouteSet {
  const { database } = options
  const replay = createReplay(options)
  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'isa')
      const rows = await listSetAside(database.db, principal.workspaceId, page)
      return listAnswer(rows, page, 'isa', answerOf)
    },
    async get({ principal, params: { id = '' } }) {
      const uuid = fromWire('isa', id)
      const row = uuid === null ? null : await findSetAside(database.db, principal.workspaceId, uuid)
      if (row === null) throw notFound('entry set aside', id)
      return answerOf(row)
    },
    async replay({ principal, params: { id = '' } }) {
      const uuid = fromWire('isa', id)
      const outcome = uuid === null ? null : await replay(principal.workspaceId, uuid)
      if (outcome === null) throw notFound('entry set aside', id)
      return outcome
    },
  })
}

function answerOf(row: SetAside) {
  const { id, error, tries, shard, sequence } = row
  const excerpt = excerptOf(row)
  const createdAt = timeOfId(id).toISOString()
  return { id: toWire('isa', id), error, tries, shard, sequence, ...(excerpt === null ? {} : { excerpt }), createdAt }
}

/** Nothing of what nobody can say whose it is, nor of what is sealed. */
function excerptOf({ workspaceId, entry }: SetAside): string | null {
  if (workspaceId === null) return null
  const [first] = decodeEntries(entry)
  return first?.kind === 'events' ? (first.events[0]?.event.payload.slice(0, EXCERPT_CHARS) ?? null) : null
}

type Outcome = { isApplied: boolean; error?: string }

function createReplay(options: ApplyEventsOptions & ApplyWebhookOptions) {
  const { database }: { database: Database } = options
  const events = createApplyEvents(options)
  const webhooks = createApplyWebhook(options)

  return async (workspaceId: string, id: string): Promise<Outcome | null> => {
    let after: { prepared: Prepared; stored: Stored } | null = null
    try {
      const isThere = await database.transaction(async (tx) => {
        const row = await lockSetAside(tx, workspaceId, id)
        if (row === null) return false
        for (const entry of decodeEntries(row.entry)) {
          if (entry.kind === 'webhook') await webhooks.apply(entry)
          else {
            const prepared = await events.prepare([entry])
            after = { prepared, stored: await events.store(tx, prepared) }
          }
        }
        await deleteSetAside(tx, id)
        return true
      })
      if (!isThere) return null
    } catch (error) {
      if (isDatabaseAway(error)) throw error
      const { message } = error as Error
      await noteTriedAgain(database.db, id, message)
      return { isApplied: false, error: message }
    }
    tell(events, after)
    return { isApplied: true }
  }
}

function tell(events: ReturnType<typeof createApplyEvents>, after: { prepared: Prepared; stored: Stored } | null) {
  if (after !== null) events.committed(after.prepared, after.stored)
}
