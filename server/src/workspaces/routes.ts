import { workspaces as table, type Workspace as WireWorkspace } from '@permea/contract'
import type { z } from 'zod'
import { allow, may } from '../api/permission.ts'
import type { Actor, Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import { fromWire, type Ids, secretUuid, toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Quotas } from './quotas.ts'
import type { WorkspaceStore } from './store.ts'
import type { Tokens } from './tokens.ts'
import type { Workspace } from './workspace.ts'

/** What happens to workspaces. */
export interface WorkspaceFacts {
  /** As it is from now on. */
  'workspace.changed': Workspace
  'workspace.created': { workspace: Workspace; by: Actor }
}

export interface WorkspaceRoutesOptions {
  database: Database
  clock: Clock
  ids: Ids
  store: WorkspaceStore
  quotas: Quotas
  directory: WorkspaceDirectory
  tokens: Tokens
  facts: Facts<WorkspaceFacts>
  /** Tells every process that a workspace changed. */
  announceChange(): Promise<void>
}

const TOKEN_LIFE_SECONDS = 7200
const KEY_CHARS = 12

export function workspaceRoutes(options: WorkspaceRoutesOptions): RouteSet {
  async function own(principal: Principal, selector: string): Promise<Workspace> {
    const workspace = await options.directory.byId(principal.workspaceId)
    if (workspace.key !== selector && workspace.id !== fromWire('ws', selector)) throw notFound('workspace', selector)
    return workspace
  }

  /** One's own; for who owns the installation, any. */
  async function any(principal: Principal, selector: string): Promise<Workspace> {
    if (!may(principal, 'installation')) return own(principal, selector)
    const id = fromWire('ws', selector)
    const found = id === null ? null : await options.store.byId(options.database.db, id)
    const workspace = found ?? (await options.store.byKey(options.database.db, selector))
    if (workspace === null) throw notFound('workspace', selector)
    return workspace
  }

  async function changed(id: string, change: (current: Workspace) => Workspace): Promise<void> {
    await options.database.transaction(async (tx) => {
      await options.facts.record(tx, 'workspace.changed', await options.directory.change(tx, id, change))
    })
    options.directory.forget()
    options.tokens.forget()
    await options.announceChange()
  }

  return routeSet(table, {
    async list({ principal, query: { workspaceKey, includeArchived = false } }) {
      const all = may(principal, 'installation')
        ? await options.store.all(options.database.db)
        : [await options.directory.byId(principal.workspaceId)]
      const shown = all
        .filter((each) => workspaceKey === undefined || each.key === workspaceKey)
        .filter((each) => includeArchived || each.archivedAt === null)
      return { items: shown.map((each) => workspaceAnswer(each, false)) }
    },
    async create({ principal, body }) {
      const now = options.clock.now()
      const workspace: Workspace = {
        ...BLANK,
        id: options.ids.next(),
        key: body.key ?? `wk_${drawn().slice(0, KEY_CHARS)}`,
        name: body.name,
        secret: drawn(),
        type: body.type ?? 'production',
        createdAt: now,
        updatedAt: now,
      }
      await options.database.transaction(async (tx) => {
        if (!(await options.store.insert(tx, workspace)))
          throw new Refusal('already_exists', `there is a workspace with the key ${JSON.stringify(workspace.key)}`)
        await options.facts.record(tx, 'workspace.created', { workspace, by: principal.actor })
      })
      return { ...workspaceAnswer(workspace, false), secret: workspace.secret }
    },
    async get({ principal, params, query }) {
      // Who has the workspace's secret makes whatever token it likes.
      if (query.includeSecrets !== true) return workspaceAnswer(await any(principal, params.id ?? ''), false)
      allow(principal, 'workspace')
      return workspaceAnswer(await own(principal, params.id ?? ''), true)
    },
    async patch({ principal, params, body }) {
      const { id } = await any(principal, params.id ?? '')
      await changed(id, (current) => ({
        ...current,
        name: body.name ?? current.name,
        secret: body.secret ?? current.secret,
        logoUri: body.logoUri === undefined ? current.logoUri : body.logoUri,
        publicKeys: body.publicKeys ?? current.publicKeys,
        jwksUri: body.jwksUri === undefined ? current.jwksUri : body.jwksUri,
        appBaseUri: body.appBaseUri === undefined ? current.appBaseUri : body.appBaseUri,
        webhookUri: webhookUriAfter(current.webhookUri, body.webhookUri),
        enabledWebhookEvents: body.enabledWebhookEvents ?? current.enabledWebhookEvents,
        settings: body.settings === undefined ? current.settings : { ...current.settings, ...body.settings },
        type: body.type ?? current.type,
      }))
      return workspaceAnswer(await options.directory.byId(id), false)
    },
    async rotateSecret({ principal, params }) {
      const { id } = await any(principal, params.id ?? '')
      const secret = drawn()
      await changed(id, (current) => ({ ...current, secret }))
      return { secret }
    },
    async usage({ principal, params }) {
      return { items: await options.quotas.usageOf(await any(principal, params.id ?? '')) }
    },
    async setQuotas({ principal, params, body }) {
      const { id } = await any(principal, params.id ?? '')
      await changed(id, (current) => ({ ...current, quotas: { ...current.quotas, ...body } }))
      return { items: await options.quotas.usageOf(await options.directory.byId(id)) }
    },
    async createAccessToken({ principal, params, body }) {
      const workspace = await own(principal, params.id ?? '')
      if (body.isAdmin === true) allow(principal, 'workspace')
      const tenantKey = body.tenantKey ?? body.tenantId
      const claims = {
        ...(body.isAdmin === true ? { isAdmin: true } : {}),
        ...(tenantKey === undefined ? {} : { id: tenantKey }),
        ...(body.name === undefined ? {} : { name: body.name }),
        ...(body.fields === undefined ? {} : { fields: body.fields }),
      }
      return { token: await options.tokens.sign(workspace, claims, body.expiresInSeconds ?? TOKEN_LIFE_SECONDS) }
    },
  })
}

/** What a workspace has that nobody has set anything of. */
const BLANK = {
  publicKeys: [],
  jwksUri: null,
  appBaseUri: null,
  logoUri: null,
  webhookUri: null,
  enabledWebhookEvents: [],
  settings: {},
  isExample: false,
  isMain: false,
  quotas: {},
  archivedAt: null,
} satisfies Partial<Workspace>

function drawn(): string {
  return `${secretUuid()}${secretUuid()}`.replaceAll('-', '')
}

/** An empty address unsets. */
function webhookUriAfter(current: string | null, given: string | null | undefined): string | null {
  if (given === undefined) return current
  return given === '' ? null : given
}

function workspaceAnswer(workspace: Workspace, withSecret: boolean): z.input<typeof WireWorkspace> {
  return {
    id: toWire('ws', workspace.id),
    key: workspace.key,
    name: workspace.name,
    ...(withSecret ? { secret: workspace.secret } : {}),
    logoUri: workspace.logoUri ?? undefined,
    publicKeys: workspace.publicKeys,
    jwksUri: workspace.jwksUri ?? undefined,
    appBaseUri: workspace.appBaseUri ?? undefined,
    webhookUri: workspace.webhookUri ?? undefined,
    enabledWebhookEvents: workspace.enabledWebhookEvents as z.input<typeof WireWorkspace>['enabledWebhookEvents'],
    settings: workspace.settings,
    type: workspace.type,
    isMain: workspace.isMain,
    quotas: workspace.quotas,
    createdAt: workspace.createdAt.toISOString(),
    updatedAt: workspace.updatedAt.toISOString(),
    archivedAt: workspace.archivedAt?.toISOString(),
  }
}
