import { brokerSources as table } from '@permea/contract'
import { newElement, refusingTakenKey } from '../api/elements.ts'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal, wrongField } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import { isSameOrigin } from '../deliveries/address.ts'
import { findAppEventType } from '../event-types/routes.ts'
import { loginOf, withoutLogin } from '../outbound/brokers/broker.ts'
import { sourceAddress } from '../outbound/brokers/source-address.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, type Ids, secretUuid } from '../platform/ids.ts'
import type { Ownership } from '../platform/ownership.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type BrokerSource, sourceAnswer } from './source.ts'
import {
  brokerSourceById,
  brokerSourceByKey,
  insertSource,
  type KnownSource,
  listSources,
  updateSource,
} from './store.ts'

export interface SourceRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  ownership: Pick<Ownership, 'notifyOnCommit'>
}

/** Told to all processes when sources were changed. */
export const CHANGED = 'broker-sources'

type Input = CallOf<(typeof table)['patch']>['body']
type Call = { principal: Principal; params: Record<string, string> }

export function sourceRoutes(options: SourceRoutesOptions): RouteSet {
  const { database, clock, sealing, ownership } = options
  const answer = ({ source, known }: KnownSource) => sourceAnswer(source, known, clock.now())

  async function find({ principal, params: { selector = '' } }: Call): Promise<KnownSource> {
    const id = fromWire('bsr', selector)
    const byId = id === null ? null : await brokerSourceById(database.db, principal.workspaceId, id)
    const found = byId ?? (await brokerSourceByKey(database.db, principal.workspaceId, selector))
    if (found === null) throw notFound('source', selector)
    return found
  }

  async function living(call: Call): Promise<KnownSource> {
    const found = await find(call)
    if (found.source.archivedAt !== null)
      throw new Refusal('archived', `the source ${JSON.stringify(found.source.key)} is archived`)
    return found
  }

  async function save(found: KnownSource, change: Partial<BrokerSource>): Promise<KnownSource> {
    const source = { ...found.source, ...change, revision: secretUuid(), updatedAt: clock.now() }
    await refusingTakenKey('source', source.key, () =>
      database.transaction(async (tx) => {
        await updateSource(tx, source)
        await ownership.notifyOnCommit(tx, { about: CHANGED })
      }),
    )
    return { ...found, source }
  }

  /** The type that is meant; refused where nothing can come in for it. */
  async function typeOf(principal: Principal, selector: string): Promise<string> {
    const type = await findAppEventType(database, principal, selector)
    if (type.archivedAt !== null)
      throw new Refusal('archived', `app event type ${JSON.stringify(type.key)} is archived`)
    return type.id
  }

  /** The address without what proves the reader, and that, sealed. */
  function placeOf(url: string): Pick<BrokerSource, 'url' | 'loginSealed'> {
    if (!URL.canParse(url)) throw wrongField('url', 'this is not a URL')
    const address = sourceAddress(url)
    if (typeof address === 'string') throw wrongField('url', address)
    const given = withoutLogin(url)
    const login = loginOf(given.authorization)
    if (typeof login === 'string') throw wrongField('url', login)
    return { url: given.url, loginSealed: given.authorization === null ? null : sealing.seal(given.authorization) }
  }

  /** Credentials go to their server alone: an address elsewhere forgets them. */
  function movedTo(source: BrokerSource, url: string): Pick<BrokerSource, 'url' | 'loginSealed'> {
    const moved = placeOf(url)
    const stays = moved.loginSealed === null && isSameOrigin(source.url, moved.url)
    return stays ? { ...moved, loginSealed: source.loginSealed } : moved
  }

  async function change(call: Call & { body: Input }) {
    const found = await living(call)
    const { source } = found
    const { body } = call
    return answer(
      await save(found, {
        key: body.key ?? source.key,
        name: body.name ?? source.name,
        description: body.description === undefined ? source.description : body.description,
        meta: body.meta === undefined ? source.meta : body.meta,
        customerHeader: body.customerHeader === undefined ? source.customerHeader : body.customerHeader,
        idHeader: body.idHeader === undefined ? source.idHeader : body.idHeader,
        ...(body.appEventTypeId === undefined
          ? {}
          : { appEventTypeId: await typeOf(call.principal, body.appEventTypeId) }),
        ...(body.url === undefined ? {} : movedTo(source, body.url)),
      }),
    )
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'bsr')
      const type = query.appEventTypeId
      const appEventTypeId = type === undefined ? null : fromWire('aet', type)
      // What is no id is nobody's.
      if (type !== undefined && appEventTypeId === null) return { items: [] }
      const filter = {
        workspaceId: principal.workspaceId,
        search: query.search ?? null,
        includeArchived: query.includeArchived ?? false,
        appEventTypeId,
      }
      return listAnswer(await listSources(database.db, filter, page), page, 'bsr', answer)
    },
    async create({ principal, body }) {
      const source: BrokerSource = {
        ...newElement({ ...body, name: body.name ?? body.key ?? URL.parse(body.url)?.host }, options, 'a source'),
        workspaceId: principal.workspaceId,
        appEventTypeId: await typeOf(principal, body.appEventTypeId),
        ...placeOf(body.url),
        customerHeader: body.customerHeader ?? null,
        idHeader: body.idHeader ?? null,
        pausedAt: null,
      }
      await refusingTakenKey('source', source.key, () =>
        database.transaction(async (tx) => {
          await insertSource(tx, source)
          await ownership.notifyOnCommit(tx, { about: CHANGED })
        }),
      )
      return answer({ id: source.id, source, known: null })
    },
    get: async (call) => answer(await find(call)),
    patch: change,
    put: change,
    async archive(call) {
      const found = await find(call)
      if (found.source.archivedAt === null) await save(found, { archivedAt: clock.now() })
    },
    async pause(call) {
      const found = await living(call)
      return answer(found.source.pausedAt === null ? await save(found, { pausedAt: clock.now() }) : found)
    },
    async resume(call) {
      const found = await living(call)
      return answer(found.source.pausedAt === null ? found : await save(found, { pausedAt: null }))
    },
  })
}
