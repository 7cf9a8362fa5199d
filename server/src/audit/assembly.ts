import { contract } from '@permea/contract'
import type { FastifyRequest } from 'fastify'
import type { Authenticate } from '../api/permission.ts'
import { type Actor, ENGINE, type Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { Room } from '../api/room.ts'
import type { RouteSet } from '../api/routes.ts'
import type { Live } from '../live/live.ts'
import type { Notifications } from '../notifications/notifications.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import { changesOf } from './changes.ts'
import { mountExport } from './export.ts'
import type { NewRecord, Outcome } from './record.ts'
import { actorFields, type CallOrigin, type ChangeRecorder, createChangeRecorder } from './recorder.ts'
import { retainRecords } from './retention.ts'
import { auditRoutes } from './routes.ts'
import { createTrail, type Intended } from './trail.ts'

/** What happened beside the API. */
export interface Noted {
  workspaceId: string
  /** Absent: the engine. */
  actor?: Actor | undefined
  /** Nobody known, as of who fails to sign in. */
  isNobody?: boolean
  action: string
  outcome?: Outcome
  elementType: string
  elementId?: string | null
  elementName?: string | null
  customerId?: string | null
  before?: Record<string, unknown> | null
  after?: Record<string, unknown> | null
  origin?: CallOrigin | null
}

export interface Audit extends ChangeRecorder {
  /** Records what needs no announcement. Resolves when it is durable, rejects where it cannot be: then refuse what it is about. */
  note(noted: Noted): Promise<void>
  /** Announces many changes at once, in the order given; each is recorded or dropped later. */
  intendAll(all: readonly Noted[]): Promise<{ record(noted: Noted): Promise<void>; drop(): Promise<void> }[]>
  /** Makes records of changes whose process died. */
  recover(): Promise<void>
  /** Lets records leave that are older than they are kept. */
  retain(): Promise<void>
  settled(): Promise<void>
}

export interface AuditRoomOptions {
  database: Database
  clock: Clock
  ids: Ids
  log: Log
  notifications: Notifications
  live: Pick<Live, 'changed'>
  /** Seal heads of chains; the first seals, all verify. */
  keys: readonly Uint8Array[]
  /** Days that records are kept. */
  retentionDays: number
  authenticate: Authenticate
  /** Whose customer is meant by an id of any kind; null where there is none. */
  customerOf(principal: Principal, selector: string): Promise<string | null>
  /** Customers of a workspace that were erased. */
  erasedCustomers(workspaceId: string): Promise<ReadonlySet<string>>
  /** Every endpoint with its handler. */
  routes(): readonly RouteSet[]
}

/** Who changed what: a chain of records for each workspace. Decision 0210. */
export function createAuditRoom(
  options: AuditRoomOptions,
): Room<Audit> & Required<Pick<Room<Audit>, 'routes' | 'mounts'>> {
  const { database, clock, ids } = options
  const trail = createTrail(options)
  const recorder = createChangeRecorder({ ...options, trail })

  function recordOf(noted: Noted): NewRecord {
    const actor = noted.actor ?? ENGINE
    const { before = null, after = null, origin = null } = noted
    const changes = changesOf({ before, after, input: { before, after } })
    return {
      id: ids.next(),
      workspaceId: noted.workspaceId,
      at: clock.now(),
      ...actorFields(actor),
      ...(noted.isNobody === true ? { actorKind: 'nobody' as const, actorRole: null } : {}),
      action: noted.action,
      outcome: noted.outcome ?? 'done',
      elementType: noted.elementType,
      elementId: noted.elementId ?? null,
      customerId: noted.customerId ?? null,
      requestId: origin?.requestId ?? null,
      changed: changes.changed,
      details: {
        actorName: actor.name,
        elementName: noted.elementName ?? null,
        address: origin?.address ?? null,
        userAgent: origin?.userAgent?.slice(0, 500) ?? null,
        before: changes.before,
        after: changes.after,
      },
    }
  }

  const retain = () => retainRecords({ database, clock, ids, trail }, options.retentionDays)

  const intendedAs = (intended: Intended) => ({
    record: (noted: Noted) => intended.record(recordOf(noted)),
    drop: () => intended.drop(),
  })

  return {
    api: {
      begin: (call) => recorder.begin(call),
      note: (noted) => trail.add(recordOf(noted)),
      intendAll: async (all) => (await trail.intendAll(all.map(recordOf))).map(intendedAs),
      recover: () => trail.recover(),
      retain,
      settled: () => trail.settled(),
    },
    routes: [auditRoutes(options)],
    mounts: [
      (app) =>
        mountExport(app, {
          database,
          async admitted(request) {
            const principal = await options.authenticate(request.headers.authorization, 'workspace')
            if (!principal.isAdmin) throw new Refusal('access_denied', 'this needs an admin token')
            return principal
          },
          async noted(request, principal, { format, ...filter }) {
            const call = {
              endpoint: contract.auditLog.noteExport,
              principal,
              params: {},
              query: {},
              rawQuery: {},
              body: { elementType: 'audit-record', format, filter },
              origin: callOrigin(request),
            }
            await (await recorder.begin(call))?.done(null)
          },
        }),
    ],
    chores: [retain],
    stop: () => trail.settled(),
  }
}

/** Where a request came from. */
export function callOrigin(request: FastifyRequest): CallOrigin {
  return { address: request.ip, userAgent: request.headers['user-agent'] ?? null, requestId: request.id }
}
