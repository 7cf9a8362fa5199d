import { schemaProblem } from '../api/json-schema.ts'
import { Refusal } from '../api/refusal.ts'
import type { Connection } from '../connections/connection.ts'
import { customerById } from '../customers/store.ts'
import type { DeliveryAddress } from '../deliveries/address.ts'
import type { Deliveries } from '../deliveries/deliveries.ts'
import type { ExternalEventType } from '../external-event-types/event-type.ts'
import { idsOfFamily } from '../external-event-types/store.ts'
import type { Tx } from '../platform/database.ts'
import { type Ids, secretUuid } from '../platform/ids.ts'
import type { Queue } from '../platform/queue.ts'
import { createExternalDefinitions, type ExternalDefinition, type ExternalDefinitions } from './definition.ts'
import { createEventDestinations, type EventDestinations } from './destinations.ts'
import { createStepLanes, type StepLanes, type StepLanesOptions } from './step-lanes.ts'
import {
  externalSubscriptionById,
  idsOfConnection,
  idsOfCustomer,
  idsOfTypes,
  insertExternalSubscription,
  lockExternalSubscriptions,
  lockSharedSubscription,
  saveJournal,
  updateExternalSubscriptions,
} from './store.ts'
import { dueExternalStep, type ExternalSubscription, parametersHash, shouldBeRegistered } from './subscription.ts'

const PAGE = 200

export const FOLLOW_TYPE_TASK = 'external-event-subscriptions-follow-type'

export interface ExternalSubscriptionsOptions extends StepLanesOptions {
  ids: Ids
  queue: Queue
  deliveries: Deliveries
}

/** What a person asks for. */
export interface NewSubscription {
  externalEventTypeId: string | null
  eventKey: string | null
  parameters: Record<string, unknown>
  name: string | null
  address: DeliveryAddress | null
}

export type AskedStep = 'setup' | 'subscribe' | 'unsubscribe' | 'resubscribe' | 'refresh'

/** Keeps the registrations at external apps in step with what flows and people want. */
export interface ExternalSubscriptions extends AsyncDisposable {
  /** Shared by all flows that want the same event of a connection; the app is asked after the commit. */
  want(tx: Tx, wanted: WantedStream): Promise<ExternalSubscription>
  /** Locks them so that nobody starts to want one while it is decided whether any flow still does. */
  lock(tx: Tx, ids: readonly string[]): Promise<void>
  /** No flow needs these any more. Those that were made by hand stay. */
  release(tx: Tx, ids: readonly string[]): Promise<void>
  /** Made by hand: subscribes and waits for what comes of it. `secret` is that of deliveries, where a destination was made. */
  create(connection: Connection, input: NewSubscription): Promise<{ row: ExternalSubscription; secret: string | null }>
  change(
    row: ExternalSubscription,
    input: {
      name?: string | undefined
      /** Null for nowhere. */
      address?: DeliveryAddress | null | undefined
      parameters?: Record<string, unknown> | undefined
    },
  ): Promise<{ row: ExternalSubscription; secret: string | null }>
  /** Unsubscribes, waits for that, and removes it whatever came of it; what failed is tried again. */
  archive(row: ExternalSubscription): Promise<void>
  /** One that was removed is wanted again, as one that was made by hand. */
  restore(row: ExternalSubscription): Promise<ExternalSubscription>
  ask(row: ExternalSubscription, step: AskedStep): Promise<ExternalSubscription>
  readonly destinations: EventDestinations
  /** A connection was archived, restored, or connected anew (then everything is registered anew). */
  followConnection(tx: Tx, connection: Connection, how: 'archived' | 'restored' | 'reconnected'): Promise<void>
  followCustomer(tx: Tx, customerId: string, isArchived: boolean): Promise<void>
  followTypeSoon(tx: Tx, type: ExternalEventType): Promise<void>
  followType(payload: { rootId: string }): Promise<void>
  readonly surveyLanes: StepLanes['surveyLanes']
  /** Has refreshes that are due begun, and resolves when nothing due is left. */
  settled(): Promise<void>
  start(): void
  close(): Promise<void>
}

export function createExternalSubscriptions(options: ExternalSubscriptionsOptions): ExternalSubscriptions {
  return new SubscriptionKeeper(options)
}

class SubscriptionKeeper implements ExternalSubscriptions {
  readonly destinations: EventDestinations
  readonly surveyLanes: StepLanes['surveyLanes']
  readonly #o: ExternalSubscriptionsOptions
  readonly #lanes: StepLanes
  readonly #definitions: ExternalDefinitions

  constructor(options: ExternalSubscriptionsOptions) {
    this.#o = options
    this.#lanes = createStepLanes(options)
    this.surveyLanes = this.#lanes.surveyLanes
    this.#definitions = createExternalDefinitions(options)
    this.destinations = createEventDestinations(options)
  }

  // ── flows ──

  async want(tx: Tx, wanted: WantedStream): Promise<ExternalSubscription> {
    const { connection, eventKey, parameters } = wanted
    const definition = await this.#checked(tx, connection, { externalEventTypeId: null, eventKey }, parameters)
    const blank = this.#blank(connection, {
      externalEventTypeId: null,
      eventKey,
      parameters,
      name: definition.name,
      address: null,
    })
    const pullStrategy = definition.pullStrategy
    const pullIntervalSeconds = intervalOf(pullStrategy, wanted)
    const row = { ...blank, isManual: false, pullStrategy, pullIntervalSeconds }
    const key = { connectionId: connection.id, eventKey, parametersHash: row.parametersHash }
    await insertExternalSubscription(tx, this.#o.sealing, row)
    const current = await lockSharedSubscription(tx, key)
    if (current === null) throw new Error('a subscription that was just made is there')
    // Of several that want different ones, the shortest interval counts.
    const seconds =
      pullIntervalSeconds === null || !current.isWanted
        ? pullIntervalSeconds
        : Math.min(pullIntervalSeconds, current.pullIntervalSeconds ?? pullIntervalSeconds)
    return this.#follow(tx, { ...current, isWanted: true, pullStrategy, pullIntervalSeconds: seconds })
  }

  async lock(tx: Tx, ids: readonly string[]): Promise<void> {
    await lockExternalSubscriptions(tx, ids)
  }

  async release(tx: Tx, ids: readonly string[]): Promise<void> {
    for (const row of await lockExternalSubscriptions(tx, ids))
      if (row.isWanted && !row.isManual) await this.#follow(tx, { ...row, isWanted: false })
  }

  // ── people ──

  async create(
    connection: Connection,
    input: NewSubscription,
  ): Promise<{ row: ExternalSubscription; secret: string | null }> {
    const definition = await this.#checked(this.#o.database.db, connection, input, input.parameters)
    const { pullStrategy } = definition
    const blank = this.#blank(connection, { ...input, name: input.name ?? definition.name })
    const row = { ...blank, pullStrategy, pullIntervalSeconds: intervalOf(pullStrategy, {}) }
    const secret = await this.#o.database.transaction(async (tx) => {
      await insertExternalSubscription(tx, this.#o.sealing, row)
      const made = input.address === null ? null : await this.destinations.point(tx, row, input.address)
      await this.#follow(tx, row)
      return made
    })
    return { row: await this.#lanes.brought(row.id), secret }
  }

  async change(
    row: ExternalSubscription,
    input: {
      name?: string | undefined
      /** Null for nowhere. */
      address?: DeliveryAddress | null | undefined
      parameters?: Record<string, unknown> | undefined
    },
  ): Promise<{ row: ExternalSubscription; secret: string | null }> {
    refuseArchived(row)
    const parameters = input.parameters
    if (parameters !== undefined) {
      const connection = await this.#connectionOf(row)
      await this.#checked(this.#o.database.db, connection, row, parameters)
    }
    const isOther = parameters !== undefined && parametersHash(parameters) !== row.parametersHash
    const secret = await this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [row.id])
      if (current === undefined) throw new Error(`subscription ${row.id} vanished`)
      refuseArchived(current)
      const { address } = input
      const made =
        address === undefined || address === null ? null : await this.destinations.point(tx, current, address)
      const changed: ExternalSubscription = {
        ...current,
        name: input.name ?? current.name,
        webhookUri: address === undefined ? current.webhookUri : (address?.url ?? null),
        ...(isOther
          ? { parameters, parametersHash: parametersHash(parameters), wantsResubscribe: true, attempts: 0 }
          : {}),
      }
      if (isOther) await this.#follow(tx, changed)
      else await this.#save(tx, changed)
      return made
    })
    if (input.address) await this.destinations.wake(row.id)
    return { row: isOther ? await this.#lanes.brought(row.id) : await this.#current(row.id), secret }
  }

  async archive(row: ExternalSubscription): Promise<void> {
    if (row.archivedAt !== null) return
    await this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [row.id])
      if (current === undefined || current.archivedAt !== null) return
      await this.#follow(tx, { ...current, isWanted: false, isManual: false, archivedAt: this.#o.clock.now() })
    })
    await this.#lanes.brought(row.id)
  }

  async restore(row: ExternalSubscription): Promise<ExternalSubscription> {
    if (row.archivedAt === null) return row
    await this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [row.id])
      if (current === undefined) return
      await this.#follow(tx, { ...current, isWanted: true, isManual: true, archivedAt: null })
    })
    return this.#lanes.brought(row.id)
  }

  async ask(row: ExternalSubscription, step: AskedStep): Promise<ExternalSubscription> {
    if (row.archivedAt !== null && step !== 'unsubscribe') refuseArchived(row)
    await this.#o.database.transaction(async (tx) => {
      const [current] = await lockExternalSubscriptions(tx, [row.id])
      if (current === undefined) return
      await this.#follow(tx, asked(current, step))
      // Whoever asks for it anew wants a new registration, whatever was answered to the one before.
      if (step === 'resubscribe') await saveJournal(tx, row.id, null)
    })
    return this.#lanes.brought(row.id)
  }

  // ── what they hang on ──

  async followConnection(tx: Tx, connection: Connection, how: 'archived' | 'restored' | 'reconnected'): Promise<void> {
    for (const row of await lockExternalSubscriptions(tx, await idsOfConnection(tx, connection.id))) {
      // What was removed by hand stays removed; only what is left of it at the app is taken back.
      if (how === 'reconnected') await this.#follow(tx, { ...row, wantsResubscribe: row.isRegistered })
      else await this.#follow(tx, { ...row, isLive: how === 'restored' && (await this.#isLive(tx, row, connection)) })
    }
  }

  async followCustomer(tx: Tx, customerId: string, isArchived: boolean): Promise<void> {
    for (const row of await lockExternalSubscriptions(tx, await idsOfCustomer(tx, customerId))) {
      const connection = await this.#connectionOf(row, tx)
      const isLive = !isArchived && connection.archivedAt === null && (await this.#isLive(tx, row, connection))
      await this.#follow(tx, { ...row, isLive })
    }
  }

  async followTypeSoon(tx: Tx, type: ExternalEventType): Promise<void> {
    const key = `follow-external-type:${type.rootId}`
    const payload = { rootId: type.rootId }
    await this.#o.queue.add(tx, { task: FOLLOW_TYPE_TASK, payload, key, queue: key })
  }

  async followType({ rootId }: { rootId: string }): Promise<void> {
    const typeIds = await idsOfFamily(this.#o.database.db, rootId)
    for (let after: string | null = null; ; ) {
      const page: string[] = await idsOfTypes(this.#o.database.db, typeIds, after, PAGE)
      await this.#o.database.transaction(async (tx) => {
        for (const row of await lockExternalSubscriptions(tx, page)) {
          const connection = await this.#connectionOf(row, tx)
          const customer = await customerById(tx, row.workspaceId, row.customerId)
          const isAround = connection.archivedAt === null && customer !== null && customer.archivedAt === null
          await this.#follow(tx, { ...row, isLive: isAround && (await this.#isLive(tx, row, connection)) })
        }
      })
      after = page.at(-1) ?? null
      if (page.length < PAGE) return
    }
  }

  /** Whether what the subscription is of is still there. */
  async #isLive(tx: Tx, row: ExternalSubscription, connection: Connection): Promise<boolean> {
    const definition = await this.#definitions.of({ connection, of: row }, tx)
    return definition !== null && !definition.isGone
  }

  // ── work ──

  settled(): Promise<void> {
    return this.#lanes.settled()
  }

  start(): void {
    this.#lanes.start()
  }

  close(): Promise<void> {
    return this.#lanes.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Writes what should be, and has done what follows from it when the transaction commits. */
  async #follow(tx: Tx, row: ExternalSubscription): Promise<ExternalSubscription> {
    const isDue = dueExternalStep(row) !== null
    const status = isDue || row.isRegistered || shouldBeRegistered(row) ? row.status : 'unsubscribed'
    const followed: ExternalSubscription = {
      ...row,
      status,
      error: null,
      attempts: 0,
      nextAttemptAt: null,
      refreshDueAt: shouldBeRegistered(row) ? row.refreshDueAt : null,
    }
    await this.#save(tx, followed)
    if (isDue) await this.#lanes.want(tx, [row])
    return followed
  }

  async #save(tx: Tx, row: ExternalSubscription): Promise<void> {
    const subscription = { ...row, revision: secretUuid(), updatedAt: this.#o.clock.now() }
    await updateExternalSubscriptions(tx, this.#o.sealing, [{ subscription }])
  }

  async #current(id: string): Promise<ExternalSubscription> {
    const row = await externalSubscriptionById(this.#o.database.db, id)
    if (row === null) throw new Error(`subscription ${id} vanished`)
    return row
  }

  async #connectionOf(row: ExternalSubscription, tx?: Tx): Promise<Connection> {
    const connection = await this.#o.connections.byId(row.workspaceId, row.connectionId, tx)
    if (connection === null) throw new Error(`subscription ${row.id} has no connection`)
    return connection
  }

  /** Refuses what cannot be subscribed to: what is not there or archived, parameters that do not fit. */
  async #checked(
    tx: Tx,
    connection: Connection,
    of: Pick<ExternalSubscription, 'externalEventTypeId' | 'eventKey'>,
    parameters: Record<string, unknown>,
  ): Promise<ExternalDefinition> {
    if (connection.archivedAt !== null)
      throw new Refusal('archived', `the connection ${JSON.stringify(connection.name)} is archived`)
    const definition = await this.#definitions.of({ connection, of }, tx)
    if (definition === null) {
      const field = of.eventKey === null ? 'externalEventTypeId' : 'eventKey'
      throw new Refusal('invalid_input', `${field}: the connector of this connection has no such event`, {
        problems: [{ field, message: 'there is no such event' }],
      })
    }
    if (definition.isGone) throw new Refusal('archived', 'the external event type is archived')
    const { parametersSchema, revision } = definition
    const problem =
      parametersSchema === null
        ? null
        : await schemaProblem({ revision, schema: parametersSchema, value: parameters, owner: connection.customerId })
    if (problem !== null) {
      const said = problem.replace(/^the event/, 'the parameters')
      throw new Refusal('invalid_input', `parameters: ${said}`, { problems: [{ field: 'parameters', message: said }] })
    }
    return definition
  }

  #blank(connection: Connection, input: NewSubscription & { name: string }): ExternalSubscription {
    const now = this.#o.clock.now()
    return {
      id: this.#o.ids.next(),
      workspaceId: connection.workspaceId,
      customerId: connection.customerId,
      connectionId: connection.id,
      integrationId: connection.integrationId,
      externalEventTypeId: input.externalEventTypeId,
      eventKey: input.eventKey,
      parameters: input.parameters,
      parametersHash: parametersHash(input.parameters),
      name: input.name,
      webhookUuid: secretUuid(),
      webhookUri: input.address?.url ?? null,
      isWanted: true,
      isManual: true,
      isLive: true,
      status: 'unsubscribed',
      error: null,
      isRegistered: false,
      wantsResubscribe: false,
      wantsRefresh: false,
      stateSealed: null,
      stateVersion: 0,
      subscribedBy: null,
      attempts: 0,
      nextAttemptAt: null,
      nextRefreshAt: null,
      refreshDueAt: null,
      refreshAttempts: 0,
      globalWebhookKey: null,
      globalWebhookSelector: null,
      pullStrategy: null,
      pullIntervalSeconds: null,
      pullDueAt: null,
      revision: secretUuid(),
      createdAt: now,
      updatedAt: now,
      archivedAt: null,
    }
  }
}

/** What flows share: an event of a connection with its parameters. */
export interface WantedStream {
  connection: Connection
  eventKey: string
  parameters: Record<string, unknown>
  /** How often it is looked, where nobody tells. */
  pullUpdatesIntervalSeconds?: number
  fullSyncIntervalSeconds?: number
}

const PULL_UPDATES_SECONDS = 300
const FULL_SYNC_SECONDS = 10_800

function intervalOf(
  strategy: string | null,
  wanted: Pick<WantedStream, 'pullUpdatesIntervalSeconds' | 'fullSyncIntervalSeconds'>,
): number | null {
  if (strategy === null) return null
  return strategy === 'full-scan'
    ? (wanted.fullSyncIntervalSeconds ?? FULL_SYNC_SECONDS)
    : (wanted.pullUpdatesIntervalSeconds ?? PULL_UPDATES_SECONDS)
}

function asked(current: ExternalSubscription, step: AskedStep): ExternalSubscription {
  const cleared = { ...current, error: null }
  switch (step) {
    case 'setup':
      return cleared
    case 'subscribe':
      return { ...cleared, isWanted: true }
    case 'unsubscribe':
      return { ...cleared, isWanted: false, isManual: false }
    case 'resubscribe':
      return { ...cleared, isWanted: true, wantsResubscribe: current.isRegistered }
    case 'refresh':
      return { ...cleared, wantsRefresh: current.isRegistered }
  }
}

function refuseArchived(row: ExternalSubscription): void {
  if (row.archivedAt !== null) throw new Refusal('archived', 'the external event subscription is archived')
}
