import { refusingTakenKey } from '../api/elements.ts'
import { schemaProblem } from '../api/json-schema.ts'
import { Refusal } from '../api/refusal.ts'
import type { Customer } from '../customers/customer.ts'
import type { ApiClient } from '../functions/function.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import { type ConnectedApp, functionInSlot, inputRevision } from './apps.ts'
import type { AuthContext, CallAuthFunction, Made } from './auth-function.ts'
import { type Connection, sealValue } from './connection.ts'
import { type Credentials, canRenew } from './credentials.ts'
import { connectionError } from './failure.ts'
import { type Lifecycle, timesOf } from './lifecycle.ts'
import type { TokenResponse } from './oauth2.ts'
import { insertConnection, insertConnectionLog, lockConnection } from './store.ts'

/** What a connection is made, or made anew, from. */
export interface Asked {
  customer: Customer
  app: ConnectedApp
  /** The connection that is renewed; null for a new one. */
  existing: Connection | null
  uuid?: string | undefined
  key?: string | null | undefined
  name?: string | undefined
  meta?: Record<string, unknown> | null | undefined
  isTest?: boolean | undefined
  input: unknown
  connectorParameters: unknown
  /** Taken as they are; whoever gives them knows that they are good. */
  credentials?: unknown
  /** What the app answered for a code. */
  tokens?: TokenResponse
}

/** Makes connections, and makes them anew. */
export interface Establish {
  /**
   * Refuses where there is no room, since apps give codes once. Makes credentials of what was given, asks the app whether it takes them, and keeps the connection where it does. A
   * connection that was lost is there again. Refuses input that does not fit the schema of the way to connect, and a key
   * that is taken.
   */
  establish(wish: Asked): Promise<Made<Connection>>
  /** Refuses with `quota_reached` where a workspace has all the connections that it may have, unless one is made anew. */
  roomFor(workspaceId: string, existing: Connection | null): Promise<void>
  /** Keeps a connection that a person has yet to connect. */
  prepare(wish: Asked): Promise<Connection>
}

interface EstablishOptions {
  database: Database
  clock: Clock
  ids: Ids
  /** Uniform in [0, 1). */
  random(): number
  sealing: Sealing
  credentials: Credentials
  lifecycle: Lifecycle
  quotas: Pick<Quotas, 'roomFor'>
  callFunction: CallAuthFunction
  plainClient(connection: Connection, authContext: AuthContext): ApiClient
}

export function createEstablish(options: EstablishOptions): Establish {
  const { database, clock, ids, sealing } = options

  async function credentialsFor(wish: Asked, authContext: AuthContext): Promise<Made<unknown>> {
    if (wish.credentials !== undefined && wish.credentials !== null) return { kind: 'made', value: wish.credentials }
    return wish.tokens === undefined
      ? options.credentials.fromInput(authContext)
      : options.credentials.fromTokens(authContext, wish.tokens)
  }

  /** Whether the app takes what a person gave; connectors without a test are believed. */
  async function tested(draft: Connection, authContext: AuthContext): Promise<Made<null>> {
    const definition = functionInSlot(authContext.app, 'test')
    if (definition === undefined) return { kind: 'made', value: null }
    const client = options.plainClient(draft, authContext)
    const made = await options.callFunction(authContext, 'test', definition, {}, { apiClient: client })
    if (made.kind === 'failed') return made
    if (made.value !== false) return { kind: 'made', value: null }
    return { kind: 'failed', error: connectionError('connection_failed', 'the app does not take what was given') }
  }

  function draftOf(wish: Asked): Connection {
    const { customer, app, existing } = wish
    const now = clock.now()
    return {
      ...BLANK,
      id: ids.next(),
      workspaceId: customer.workspaceId,
      customerId: customer.id,
      integrationId: app.integration?.id ?? null,
      connectorId: app.connector.id,
      uuid: secretUuid(),
      name: app.integration?.name ?? app.connector.name,
      createdAt: now,
      ...existing,
      ...(wish.uuid === undefined || existing !== null ? {} : { uuid: wish.uuid }),
      ...(wish.key === undefined ? {} : { key: wish.key }),
      ...(wish.name === undefined ? {} : { name: wish.name }),
      ...(wish.meta === undefined ? {} : { meta: wish.meta }),
      ...(wish.isTest === undefined ? {} : { isTest: wish.isTest }),
      authOptionKey: app.optionKey,
      inputSealed: sealValue(wish.input, sealing),
      connectorParametersSealed: sealValue(wish.connectorParameters, sealing),
      revision: secretUuid(),
      updatedAt: now,
    }
  }

  async function keep(wish: Asked, draft: Connection, credentials: unknown, beganMs: number): Promise<Connection> {
    const { app, existing } = wish
    const durationMs = Math.round(performance.now() - beganMs)
    const log = { id: ids.next(), workspaceId: draft.workspaceId, connectionId: draft.id, kind: 'connect' } as const
    return refusingTakenKey('connection', draft.key ?? '', () =>
      database.transaction(async (tx) => {
        await insertConnectionLog(tx, { ...log, isSuccess: true, error: null, durationMs })
        if (existing === null) {
          const times = timesOf(credentials, canRenew(app, credentials), clock.now(), options.random())
          const made = { ...draft, ...times, credentialsSealed: sealValue(credentials, sealing), credentialsVersion: 1 }
          await insertConnection(tx, made)
          await options.lifecycle.created(tx, { connection: made, app })
          return made
        }
        const current = await lockConnection(tx, existing.id)
        if (current === null) throw new Error(`connection ${existing.id} is gone`)
        if (current.archivedAt !== null) throw new Refusal('archived', 'the connection is archived; restore it first')
        const { authOptionKey, inputSealed, connectorParametersSealed, key, name, meta, isTest } = draft
        const changes = { authOptionKey, inputSealed, connectorParametersSealed, key, name, meta, isTest }
        return options.lifecycle.renewed(tx, { connection: { ...current, ...changes }, app }, credentials)
      }),
    )
  }

  return {
    roomFor: (workspaceId, existing) => roomFor(options, workspaceId, existing),
    prepare: (wish) => kept(database, { ...draftOf(wish), ...NOT_YET }),
    async establish(wish) {
      const beganMs = performance.now()
      await checkWish(options, wish)
      const draft = draftOf(wish)
      const { customer, app, input, connectorParameters } = wish
      const blank = { customer, app, connectionId: draft.id, input, connectorParameters, credentials: undefined }
      const made = await credentialsFor(wish, blank)
      const isGiven = wish.credentials !== undefined && wish.credentials !== null
      const outcome =
        made.kind === 'failed' || isGiven ? made : await tested(draft, { ...blank, credentials: made.value })
      if (made.kind === 'made' && outcome.kind === 'made')
        return { kind: 'made', value: await keep(wish, draft, made.value, beganMs) }
      const error = outcome.kind === 'failed' ? outcome.error : connectionError('connection_failed', 'nothing was made')
      if (wish.existing !== null) {
        const { workspaceId, id: connectionId } = wish.existing
        const durationMs = Math.round(performance.now() - beganMs)
        const log = { id: ids.next(), workspaceId, connectionId, kind: 'connect', isSuccess: false } as const
        await insertConnectionLog(database.db, { ...log, error, durationMs })
      }
      return { kind: 'failed', error }
    },
  }
}

async function checkWish(options: EstablishOptions, wish: Asked): Promise<void> {
  await checkInput(wish)
  await roomFor(options, wish.customer.workspaceId, wish.existing)
}

async function roomFor({ quotas }: EstablishOptions, workspaceId: string, existing: Connection | null): Promise<void> {
  if (existing === null) await quotas.roomFor(workspaceId, 'connections')
}

const NOT_YET = { isDisconnected: true, error: connectionError('connection_disconnected', 'not connected yet') }

async function kept({ db }: Database, draft: Connection): Promise<Connection> {
  await insertConnection(db, draft)
  return draft
}

const BLANK = {
  key: null,
  meta: null,
  isTest: false,
  credentialsSealed: null,
  credentialsVersion: 0,
  credentialsExpireAt: null,
  nextCredentialsRefreshAt: null,
  isDisconnected: false,
  isDefunct: false,
  error: null,
  retryAttempts: 0,
  nextRetryAt: null,
  lastActiveAt: null,
  archivedAt: null,
}

/** Refuses input that does not fit what the way to connect asks for; given credentials need none. */
async function checkInput({ app, input, credentials }: Asked): Promise<void> {
  const { inputSchema } = app.option
  if (inputSchema === undefined || (credentials !== undefined && credentials !== null)) return
  const problem = await schemaProblem({
    revision: inputRevision(app),
    schema: inputSchema,
    value: input ?? {},
    owner: app.connector.id,
  })
  if (problem === null) return
  const message = problem.replace('the event', 'the input')
  throw new Refusal('invalid_input', `input: ${message}`, { problems: [{ field: 'input', message }] })
}
