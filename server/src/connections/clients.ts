import type { ErrorData } from '@permea/contract'
import { LRUCache } from 'lru-cache'
import type { ApiClient } from '../functions/function.ts'
import type { Database } from '../platform/database.ts'
import { type AppSender, type ClientSource, type ClientState, createApiClient } from './api-client.ts'
import type { AuthMaterial, Made } from './auth-function.ts'
import { type ClientConfigs, versionOf } from './client-config.ts'
import type { Connection } from './connection.ts'
import { canRenew } from './credentials.ts'
import { connectionError } from './failure.ts'
import type { MaterialOf } from './material.ts'
import type { Renewal } from './renewal.ts'
import { connectionById, touchConnections } from './store.ts'

/** What was read of a connection is used again for so long: a function that sends many requests reads it once. */
const FRESH_MS = 1_000
/** How often it is noted that a connection is in use. */
const TOUCH_MS = 60_000

/** API clients of connections. */
export interface Clients {
  clientOf(connection: Connection, context: { sourceId: string | null }): ApiClient
  /** With these very credentials, which are not renewed, also where the connection counts as lost. */
  plainClient(connection: Connection, material: AuthMaterial): ApiClient
  /** For who sends by themselves: the proxy. */
  sourceOf(connection: Connection): ClientSource
  /** Whether the credentials have run out by the clock. */
  isExpired(connection: Connection): boolean
  readonly sender: AppSender
}

export function createClients(options: {
  database: Database
  sender: AppSender
  materialOf: MaterialOf
  configs: ClientConfigs
  renewal(): Renewal
}): Clients {
  const { database, sender, materialOf, configs } = options
  const touched = new LRUCache<string, true>({ max: 10_000, ttl: TOUCH_MS })

  async function stateOf(connection: Connection): Promise<Made<ClientState>> {
    const material = await materialOf(connection)
    if (material.kind === 'failed') return material
    const config = await configs.of(material.value, versionOf(material.value, connection.revision))
    return config.kind === 'failed' ? config : { kind: 'made', value: { connection, config: config.value } }
  }

  /** The state to send with: renewed before where it is known to have expired. */
  async function openState(connection: Connection): Promise<Made<ClientState>> {
    if (connection.isDisconnected) return { kind: 'failed', error: lostAccess(connection) }
    if (isExpired(connection)) {
      const material = await materialOf(connection)
      if (material.kind === 'made' && canRenew(material.value.app, material.value.credentials)) {
        const renewed = await options.renewal().renew(connection)
        return renewed.kind === 'failed' ? renewed : stateOf(renewed.value)
      }
    }
    return stateOf(connection)
  }

  function isExpired({ credentialsExpireAt }: Connection): boolean {
    return credentialsExpireAt !== null && credentialsExpireAt <= sender.clock.now()
  }

  async function renewedState({ connection }: ClientState, error: ErrorData): Promise<Made<ClientState>> {
    const material = await materialOf(connection)
    if (material.kind === 'failed') return material
    if (canRenew(material.value.app, material.value.credentials)) {
      const renewed = await options.renewal().renew(connection)
      return renewed.kind === 'failed' ? renewed : stateOf(renewed.value)
    }
    await options.renewal().doubt(connection, error)
    return { kind: 'failed', error }
  }

  function touch(connection: Connection): void {
    if (touched.has(connection.id)) return
    touched.set(connection.id, true)
    // Nobody waits for it; the next use notes it again where this one could not.
    touchConnections(database.db, [connection.id], sender.clock.now()).catch(() => touched.delete(connection.id))
  }

  function sourceOf(given: Connection): ClientSource {
    let current = given
    let readAtMs = performance.now()
    let opened: { connection: Connection; state: Promise<Made<ClientState>> } | null = null
    return {
      async open() {
        if (performance.now() - readAtMs > FRESH_MS) {
          const read = await connectionById(database.db, given.workspaceId, given.id)
          if (read === null)
            return { kind: 'failed', error: connectionError('connection_failed', 'the connection is gone') }
          current = read
          readAtMs = performance.now()
          opened = null
        }
        opened ??= { connection: current, state: openState(current) }
        const state = await opened.state
        if (state.kind === 'failed') opened = null
        return state
      },
      async renew(seen) {
        const error = connectionError('access_token_expired', 'the app takes the credentials no longer')
        const state = await renewedState(seen, error)
        opened = null
        if (state.kind === 'made') current = state.value.connection
        // What is true now is in the row.
        else readAtMs = Number.NEGATIVE_INFINITY
        return state
      },
      async lost({ connection }, error) {
        readAtMs = Number.NEGATIVE_INFINITY
        if (error.key === 'connection_is_defunct') await options.renewal().defunct(connection, error)
        else await options.renewal().doubt(connection, error)
      },
      used: ({ connection }) => touch(connection),
    }
  }

  return {
    sender,
    sourceOf,
    isExpired,
    clientOf: (connection, context) => createApiClient(sender, sourceOf(connection), context),
    plainClient(connection, material) {
      const failed: Made<never> = { kind: 'failed', error: connectionError('access_token_expired', 'not renewed here') }
      const source: ClientSource = {
        async open() {
          // The draft of a connection and its states have revisions of their own.
          const config = await configs.of(material, `${versionOf(material, connection.revision)} plain`)
          return config.kind === 'failed' ? config : { kind: 'made', value: { connection, config: config.value } }
        },
        renew: () => Promise.resolve(failed),
        lost: () => Promise.resolve(),
        used() {},
      }
      return createApiClient(sender, source, { sourceId: null })
    },
  }
}

function lostAccess({ error }: Connection): ErrorData {
  const why = error === null ? '' : `: ${error.message}`
  return {
    ...connectionError('connection_disconnected', `the connection has lost access and waits to be renewed${why}`),
    ...(error === null ? {} : { causedByError: error }),
  }
}
