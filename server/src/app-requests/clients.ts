import type { ErrorData } from '@permea/contract'
import type { AuthContextOf } from '../connections/auth-context.ts'
import type { AuthContext, Made } from '../connections/auth-function.ts'
import { type Connection, isExpired } from '../connections/connection.ts'
import { canRenew } from '../connections/credentials.ts'
import { connectionError } from '../connections/failure.ts'
import type { Renewal } from '../connections/renewal.ts'
import { connectionById, touchConnections } from '../connections/store.ts'
import type { ApiClient } from '../functions/function.ts'
import { boundedCache } from '../platform/bounded-cache.ts'
import type { Database } from '../platform/database.ts'
import { type AppSender, type ClientSource, type ClientState, createApiClient } from './api-client.ts'
import { type ClientConfigs, versionOf } from './client-config.ts'

/** What was read of a connection is used again for so long: a function that sends many requests reads it once. */
const FRESH_MS = 1_000
/** How often it is noted that a connection is in use. */
const TOUCH_MS = 60_000

/** API clients of connections. */
export interface Clients {
  clientOf(connection: Connection, context: { sourceId: string | null }): ApiClient
  /** With these very credentials, which are not renewed, also where the connection counts as lost. */
  plainClient(connection: Connection, authContext: AuthContext): ApiClient
  /** For who sends by themselves: the proxy. */
  sourceOf(connection: Connection): ClientSource
  readonly sender: AppSender
}

export function createClients(options: {
  database: Database
  sender: AppSender
  authContextOf: AuthContextOf
  configs: ClientConfigs
  renewal: Renewal
}): Clients {
  const { database, sender, authContextOf, configs, renewal } = options
  const touched = boundedCache<true>(10_000, TOUCH_MS)

  async function stateOf(connection: Connection): Promise<Made<ClientState>> {
    const authContext = await authContextOf(connection)
    if (authContext.kind === 'failed') return authContext
    const config = await configs.of(authContext.value, versionOf(authContext.value, connection.revision))
    return config.kind === 'failed' ? config : { kind: 'made', value: { connection, config: config.value } }
  }

  /** The state to send with: renewed before where it is known to have expired. */
  async function openState(connection: Connection): Promise<Made<ClientState>> {
    if (connection.isDisconnected) return { kind: 'failed', error: lostAccess(connection) }
    if (isExpired(connection, sender.clock.now())) {
      const authContext = await authContextOf(connection)
      if (authContext.kind === 'made' && canRenew(authContext.value.app, authContext.value.credentials)) {
        const renewed = await renewal.renew(connection)
        return renewed.kind === 'failed' ? renewed : stateOf(renewed.value)
      }
    }
    return stateOf(connection)
  }

  async function renewedState({ connection }: ClientState, error: ErrorData): Promise<Made<ClientState>> {
    const authContext = await authContextOf(connection)
    if (authContext.kind === 'failed') return authContext
    if (canRenew(authContext.value.app, authContext.value.credentials)) {
      const renewed = await renewal.renew(connection)
      return renewed.kind === 'failed' ? renewed : stateOf(renewed.value)
    }
    await renewal.doubt(connection, error)
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
        if (error.key === 'connection_is_defunct') await renewal.defunct(connection, error)
        else await renewal.doubt(connection, error)
      },
      used: ({ connection }) => touch(connection),
    }
  }

  return {
    sender,
    sourceOf,
    clientOf: (connection, context) => createApiClient(sender, sourceOf(connection), context),
    plainClient(connection, authContext) {
      const failed: Made<never> = { kind: 'failed', error: connectionError('access_token_expired', 'not renewed here') }
      const source: ClientSource = {
        async open() {
          // The draft of a connection and its states have revisions of their own.
          const config = await configs.of(authContext, `${versionOf(authContext, connection.revision)} plain`)
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
