import { connections as table } from '@permea/contract'
import type { Principal } from '../api/principal.ts'
import { notFound, Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'
import type { ConnectedApp } from '../connections/apps.ts'
import type { ConnectionParts } from '../connections/connections.ts'
import { connectionOfApp } from '../connections/store.ts'
import { usesConsent } from '../connections/trust.ts'
import { listIntegrations } from '../integrations/store.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { ConnectRequests } from './connect-request.ts'

const { ensure } = table

/** Integrations among which the app is looked for. */
const LOOKED_AT_MAX = 1000

/** A customer's connection to the app at an address: found, or made as far as that goes without a person. */
export function ensureRoutes(options: {
  database: Database
  connections: ConnectionParts
  requests: ConnectRequests
}): RouteSet {
  const { database, connections, requests } = options
  const { registry, establish, views } = connections

  async function appAt(principal: Principal, host: string): Promise<ConnectedApp> {
    const filter = { workspaceId: principal.workspaceId, search: null, includeArchived: false, connectorId: null }
    const integrations = await listIntegrations(database.db, filter, { limit: LOOKED_AT_MAX, before: null })
    const apps: { app: ConnectedApp; fit: number }[] = []
    for (const { id, key, meta } of integrations) {
      const app = await registry.appFor(principal, { integrationId: toWire('int', id) }).catch((error: unknown) => {
        if (error instanceof Refusal) return null
        throw error
      })
      if (app !== null) apps.push({ app, fit: fitOf(host, [key, app.connector.key], meta, app) })
    }
    const [best] = apps.filter(({ fit }) => fit > 0).toSorted((one, other) => other.fit - one.fit)
    if (best === undefined) throw notFound('integration for the app at', host)
    return best.app
  }

  async function make(call: CallOf<typeof ensure>, app: ConnectedApp) {
    const customer = await registry.customerFor(call.principal, { ...call.query, ...call.body })
    const wish = { customer, app, existing: null, name: call.body.name, input: {}, connectorParameters: undefined }
    const { inputSchema } = app.option
    const isAsked = usesConsent(app.option) || Object.keys((inputSchema?.properties ?? {}) as object).length > 0
    const made = isAsked ? null : await establish.establish(wish)
    if (made?.kind === 'made') return made.value
    return establish.prepare(wish)
  }

  return routeSet(
    { ensure },
    {
      async ensure(call) {
        const app = await appAt(call.principal, hostOf(call.body.appUrl))
        const customer = await registry.customerFor(call.principal, { ...call.query, ...call.body })
        const existing = await connectionOfApp(database.db, {
          customerId: customer.id,
          integrationId: app.integration?.id ?? null,
          connectorId: app.connector.id,
          key: null,
        })
        const connection = existing ?? (await make(call, app))
        const answer = await views.answer(connection)
        if (!connection.isDisconnected) return answer
        const row = await requests.open({
          workspaceId: connection.workspaceId,
          customerId: connection.customerId,
          payload: {
            connectionId: toWire('con', connection.id),
            ...(app.integration === null ? {} : { integrationId: toWire('int', app.integration.id) }),
            openerOrigin: null,
          },
        })
        const description = 'Somebody has to connect the app on this page'
        return { ...answer, clientAction: { type: 'connect' as const, description, uiUrl: requests.answer(row).url } }
      },
    },
  )
}

function hostOf(appUrl: string): string {
  const text = /^[a-z][a-z\d+.-]*:\/\//i.test(appUrl) ? appUrl : `https://${appUrl}`
  if (URL.canParse(text)) return new URL(text).host.replace(/^www\./, '')
  const problems = [{ field: 'appUrl', message: 'not an address' }]
  throw new Refusal('invalid_input', 'appUrl: not an address', { problems })
}

/** How sure it is that an integration is of the app at a host; 0 where it is not. */
function fitOf(host: string, keys: readonly string[], meta: Record<string, unknown> | null, app: ConnectedApp): number {
  if (typeof meta?.appUrl === 'string' && hostOf(meta.appUrl) === host) return 4
  const hosts = hostsIn(JSON.stringify([app.connector.definition.makeApiClient ?? null, app.option]))
  if (hosts.includes(host)) return 3
  const labels = host.split('.').slice(0, -1)
  if (keys.some((key) => labels.includes(key.toLowerCase()))) return 2
  return hosts.some((each) => siteOf(each) !== null && siteOf(each) === siteOf(host)) ? 1 : 0
}

function hostsIn(text: string): string[] {
  return [...text.matchAll(/https?:\/\/([a-z\d.-]+(?::\d+)?)/gi)].map(([, host = '']) => host.replace(/^www\./, ''))
}

/** `api.example.com` → `example.com`; null for what is no name. */
function siteOf(host: string): string | null {
  return /^[a-z\d-]+(?:\.[a-z\d-]+)+$/i.test(host) && !/^[\d.]+$/.test(host)
    ? host.split('.').slice(-2).join('.')
    : null
}
