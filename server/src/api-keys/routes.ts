import { type ApiKey, apiKeys as table } from '@permea/contract'
import type { z } from 'zod'
import { notFound, wrongField } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, toWire } from '../platform/ids.ts'
import { drawApiKey } from './api-keys.ts'
import { type ApiKeyRow, apiKeysOf, insertApiKey, revokeApiKey } from './store.ts'

export function apiKeyRoutes(options: {
  database: Database
  clock: Clock
  ids: Ids
  /** Tells every process to ask anew whom keys speak for. */
  announceChange(): Promise<void>
}): RouteSet {
  const { database, clock, ids } = options
  return routeSet(table, {
    async list({ principal }) {
      return { items: (await apiKeysOf(database.db, principal.workspaceId)).map(answerOf) }
    },
    async create({ principal, body }) {
      const expiresAt = body.expiresAt === undefined || body.expiresAt === null ? null : new Date(body.expiresAt)
      const createdAt = clock.now()
      if (expiresAt !== null && expiresAt <= createdAt) throw wrongField('expiresAt', 'is past')
      const { key, prefix, hash } = drawApiKey()
      const row: ApiKeyRow = {
        id: ids.next(),
        workspaceId: principal.workspaceId,
        name: body.name,
        scope: body.scope,
        prefix,
        createdBy: principal.actor.name ?? principal.actor.kind,
        createdAt,
        expiresAt,
        lastUsedAt: null,
      }
      await insertApiKey(database.db, row, hash)
      return { ...answerOf(row), key }
    },
    async archive({ principal: { workspaceId }, params }) {
      const id = fromWire('key', params.id ?? '')
      const isRevoked = id !== null && (await revokeApiKey(database.db, { workspaceId, id, now: clock.now() }))
      if (!isRevoked) throw notFound('API key', params.id ?? '')
      await options.announceChange()
    },
  })
}

function answerOf(row: ApiKeyRow): z.input<typeof ApiKey> {
  return {
    id: toWire('key', row.id),
    name: row.name,
    scope: row.scope,
    prefix: row.prefix,
    createdBy: row.createdBy ?? undefined,
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString(),
    lastUsedAt: row.lastUsedAt?.toISOString(),
  }
}
