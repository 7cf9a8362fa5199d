import { Button } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { Link, useParams } from '@tanstack/react-router'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { IdLink, To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { AlertSettings } from './alert-settings.tsx'
import { ALERT_TITLES } from './alert-titles.ts'

type Alert = ItemOf<typeof permea.alerts.list>

const PATH = 'alerts'

/** What to do about each, in a sentence. */
const ADVICE: Record<Alert['type'], string> = {
  connection_disconnected: 'The customer has to connect the app again; send them to the connect page.',
  webhook_endpoint_failing: 'See what the endpoint answers. What failed for good can be sent again once it is mended.',
  webhook_endpoint_paused: 'Mend the endpoint, then resume it: what came meanwhile was kept.',
  subscription_failed: 'See what your application or the app answered to the subscribe request.',
  flow_failing: 'Open a failed run to see the node, its input and what was answered; repeat it once that is mended.',
  queue_backlog: 'See which flow of the customer is slow or is tried again and again.',
  quota_near: 'Ask who owns the installation for more, or take in less. At 100 % what comes is refused.',
}

/** What opened an alert, in words. */
const THRESHOLDS: Record<NonNullable<Alert['threshold']>['setting'], (value: number) => string> = {
  flowFailures: (value) => `${numberOf(value, 'failed run')} in a row`,
  backlogMinutes: (value) => `${numberOf(value, 'minute')} of waiting`,
  deliveryFailingMinutes: (value) => `${numberOf(value, 'minute')} in which every delivery failed`,
}

const columns: readonly Column<Alert>[] = [
  { title: 'Alert', width: 'minmax(140px, 180px)', cell: (each) => ALERT_TITLES[each.type] },
  { title: 'Status', width: '110px', cell: (each) => <Status of={each.status} /> },
  { title: 'Severity', width: '100px', from: 560, cell: (each) => <Status of={each.severity} /> },
  {
    title: 'About',
    width: 'minmax(120px, 1fr)',
    from: 640,
    cell: (each) => each.contextName ?? each.customer?.name ?? '–',
  },
  { title: 'What', width: 'minmax(160px, 3fr)', from: 760, cell: (each) => each.description },
  { title: 'Since', width: '120px', from: 480, cell: (each) => <Moment at={each.createdAt} /> },
]

const filters: readonly Filter[] = [
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: [
      { value: 'ongoing', label: 'Ongoing' },
      { value: 'resolved', label: 'Resolved' },
    ],
  },
  {
    kind: 'choice',
    name: 'type',
    label: 'Kind',
    choices: Object.entries(ALERT_TITLES).map(([value, label]) => ({ value, label })),
  },
  { kind: 'link', name: 'contextKey', label: 'About' },
]

export function Page() {
  return (
    <ListPage<Alert>
      title="Alerts"
      about="What a person should know of: opened once, kept up to date while it lasts, resolved when it ends."
      path={PATH}
      kind="alert"
      fetchPage={pagesOf(permea.alerts.list)}
      filters={filters}
      columns={columns}
      actions={
        <Button component={Link} to="/alerts/settings" search={true} size="xs" variant="default">
          How soon, and who is told
        </Button>
      }
      empty={
        <Empty icon={IconAlertTriangle} title="Nothing needs you">
          Failing flows, endpoints and subscriptions appear here. To hear of them by mail or in a chat, say so under{' '}
          <To path="/alerts/settings">How soon, and who is told</To>; for your own tools, enable{' '}
          <code>alert.created</code> under <To path="/webhook-notifications">Webhook Notifications</To>.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconAlertTriangle} title="No alert fits these filters">
          Nothing of this kind is, or was, wrong.
        </Empty>
      }
    />
  )
}

export function Record() {
  const { id } = useParams({ strict: false }) as { id?: string }
  return id === 'settings' ? <AlertSettings /> : <Existing />
}

function Existing() {
  return (
    <RecordDrawer<Alert>
      noun="alert"
      path={PATH}
      kind="alert"
      apiPath="/alerts"
      fetchOne={(id, signal) => permea.alerts.get({ params: { id } }, { signal })}
      titleOf={(each) => ALERT_TITLES[each.type]}
      statusOf={(each) => <Status of={each.status === 'ongoing' ? each.severity : each.status} />}
      actions={(each) => (
        <Act
          needs="alerts.resolve"
          label="Resolve"
          run={() => permea.alerts.resolve({ params: { id: each.id } })}
          unless={each.status === 'ongoing' ? null : 'It is resolved already'}
          said="Resolved; if the condition is still there, it is raised again"
        />
      )}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About alert={each} /> }]}
    />
  )
}

function About({ alert }: { alert: Alert }) {
  const search = alert.contextKey === undefined ? {} : { flowInstanceId: alert.contextKey, state: 'failed' }
  return (
    <div className="stack">
      <p className="lead">{alert.description}</p>
      <p className="dim">{ADVICE[alert.type]}</p>
      <Facts
        of={{
          About: <IdLink id={alert.contextKey}>{alert.contextName}</IdLink>,
          Customer:
            alert.customerId === undefined ? undefined : <IdLink id={alert.customerId}>{alert.customer?.name}</IdLink>,
          'Last error':
            alert.lastError === undefined ? undefined : (
              <>
                <span className="exchange-error">{alert.lastError.message}</span>{' '}
                {alert.lastError.recordId !== undefined && (
                  <IdLink id={alert.lastError.recordId}>
                    {alert.lastError.nodeKey === undefined ? 'See it' : `See it, in node ${alert.lastError.nodeKey}`}
                  </IdLink>
                )}
              </>
            ),
          'Opens at':
            alert.threshold === undefined ? undefined : (
              <>
                {THRESHOLDS[alert.threshold.setting](alert.threshold.value)} <To path="/alerts/settings">Change it</To>
              </>
            ),
          Since: <Moment at={alert.createdAt} isExact />,
          'Last seen': <Moment at={alert.lastSeenAt} isExact />,
          Resolved: alert.resolvedAt === undefined ? undefined : <Moment at={alert.resolvedAt} isExact />,
        }}
      />
      <nav className="trail" aria-label="Where to look">
        {alert.type === 'flow_failing' && (
          <To path="/flow-runs" search={search}>
            The runs that failed
          </To>
        )}
        {alert.type.startsWith('webhook_endpoint') && alert.contextKey !== undefined && (
          <To path="/deliveries" search={{ destinationId: alert.contextKey }}>
            What was sent to it
          </To>
        )}
        <To path="/deliveries" search={{ sourceId: alert.id, from: '7d' }}>
          Who was told
        </To>
      </nav>
    </div>
  )
}
