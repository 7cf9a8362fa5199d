import { workspaces as table, type Workspace as WireWorkspace } from '@permea/contract'
import type { z } from 'zod'
import { allow } from '../api/permission.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Database } from '../platform/database.ts'
import type { Facts } from '../platform/facts.ts'
import { fromWire, toWire } from '../platform/ids.ts'
import type { WorkspaceDirectory } from './directory.ts'
import type { Tokens } from './tokens.ts'
import type { Workspace } from './workspace.ts'

/** What happens to workspaces. */
export interface WorkspaceFacts {
  /** As it is from now on. */
  'workspace.changed': Workspace
}

export interface WorkspaceRoutesOptions {
  database: Database
  directory: WorkspaceDirectory
  tokens: Tokens
  facts: Facts<WorkspaceFacts>
  /** Tells every process that a workspace changed. */
  announceChange(): Promise<void>
}

const TOKEN_LIFE_SECONDS = 7200

export function workspaceRoutes(options: WorkspaceRoutesOptions): RouteSet {
  async function own(principal: Principal, selector: string): Promise<Workspace> {
    const workspace = await options.directory.byId(principal.workspaceId)
    if (workspace.key !== selector && workspace.id !== fromWire('ws', selector)) throw notFound('workspace', selector)
    return workspace
  }
  return routeSet(table, {
    async list({ principal, query }) {
      const workspace = await options.directory.byId(principal.workspaceId)
      const isWanted = query.workspaceKey === undefined || query.workspaceKey === workspace.key
      return { items: isWanted ? [workspaceAnswer(workspace, false)] : [] }
    },
    async get({ principal, params, query }) {
      // Who has the workspace's secret makes whatever token it likes.
      if (query.includeSecrets === true) allow(principal, 'workspace')
      return workspaceAnswer(await own(principal, params.id ?? ''), query.includeSecrets ?? false)
    },
    async patch({ principal, params, body }) {
      const { id } = await own(principal, params.id ?? '')
      const change = (current: Workspace): Workspace => ({
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
      })
      await options.database.transaction(async (tx) => {
        await options.facts.record(tx, 'workspace.changed', await options.directory.change(tx, id, change))
      })
      options.directory.forget()
      options.tokens.forget()
      await options.announceChange()
      return workspaceAnswer(await options.directory.byId(id), false)
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
    createdAt: workspace.createdAt.toISOString(),
    updatedAt: workspace.updatedAt.toISOString(),
    archivedAt: workspace.archivedAt?.toISOString(),
  }
}
