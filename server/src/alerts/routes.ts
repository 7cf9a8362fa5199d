import { alertSettings as settingsTable, alerts as table } from '@permea/contract'
import { listAnswer, pageOf } from '../api/paging.ts'
import type { Principal } from '../api/principal.ts'
import { notFound } from '../api/refusal.ts'
import { type RouteSet, routeSet } from '../api/routes.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { fromWire, NO_ID } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import { type Alert, alertAnswer } from './alert.ts'
import type { Alerts } from './alerts.ts'
import type { Channels } from './channels.ts'
import { type AlertSettings, alertById, alertSettingsOf, keepAlertSettings, listAlerts } from './store.ts'

export function alertRoutes({ database, alerts }: { database: Database; alerts: Alerts }): RouteSet {
  const answersIn = async ({ workspaceId }: Principal) => {
    const url = await alerts.workspaceUrlOf(database.db, workspaceId)
    return (alert: Alert) => alertAnswer(alert, url)
  }

  async function find({ principal, params }: { principal: Principal; params: Record<string, string> }): Promise<Alert> {
    const id = fromWire('alrt', params.id ?? '')
    const alert = id === null ? null : await alertById(database.db, principal.workspaceId, id)
    if (alert === null) throw notFound('alert', params.id ?? '')
    return alert
  }

  return routeSet(table, {
    async list({ principal, query }) {
      const page = pageOf(query, 'alrt')
      const filter = {
        workspaceId: principal.workspaceId,
        id: query.id === undefined ? null : (fromWire('alrt', query.id) ?? NO_ID),
        status: query.status ?? null,
        type: query.type ?? null,
        severity: query.severity ?? null,
        contextKey: query.contextKey ?? null,
        from: query.from ?? query.startDatetime ?? query.startedAfter ?? null,
        to: query.to ?? query.endDatetime ?? null,
      }
      return listAnswer(await listAlerts(database.db, filter, page), page, 'alrt', await answersIn(principal))
    },
    get: async (call) => (await answersIn(call.principal))(await find(call)),
    async resolve(call) {
      const alert = await find(call)
      await alerts.resolve(database.db, alert.workspaceId, alert.key)
      return (await answersIn(call.principal))(await find(call))
    },
  })
}

interface AlertSettingsRoutesOptions {
  database: Database
  clock: Clock
  sealing: Sealing
  channels: Channels
}

export function alertSettingsRoutes({ database, clock, sealing, channels }: AlertSettingsRoutesOptions): RouteSet {
  const answer = ({ slackUrlSealed, updatedAt, ...settings }: AlertSettings) => ({
    ...settings,
    canMail: channels.canMail,
    slackWebhookHost: slackUrlSealed === null ? undefined : new URL(sealing.open(slackUrlSealed)).host,
    updatedAt: updatedAt?.toISOString(),
  })
  return routeSet(settingsTable, {
    get: async ({ principal }) => answer(await alertSettingsOf(database.db, principal.workspaceId)),
    async patch({ principal, body }) {
      const { slackWebhookUrl, ...changes } = body
      const changed = await database.transaction(async (tx) => {
        const current = await alertSettingsOf(tx, principal.workspaceId)
        const settings: AlertSettings = {
          flowFailures: changes.flowFailures ?? current.flowFailures,
          backlogMinutes: changes.backlogMinutes ?? current.backlogMinutes,
          deliveryFailingMinutes: changes.deliveryFailingMinutes ?? current.deliveryFailingMinutes,
          mailTo: changes.mailTo ?? current.mailTo,
          slackUrlSealed:
            slackWebhookUrl === undefined
              ? current.slackUrlSealed
              : slackWebhookUrl === null
                ? null
                : sealing.seal(slackWebhookUrl),
          updatedAt: clock.now(),
        }
        await keepAlertSettings(tx, principal.workspaceId, settings)
        return settings
      })
      return answer(changed)
    },
    test: async ({ principal }) => ({ items: await channels.test(principal.workspaceId) }),
  })
}
