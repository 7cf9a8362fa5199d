import { IconPlug } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { Logo } from '../../parts/logo.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { customerChoices, integrationChoices } from '../choices.ts'
import { ConnectionData } from '../data/connection-data.tsx'
import { ConnectButton } from './connect-button.tsx'

type Connection = ItemOf<typeof permea.connections.list>

const PATH = 'connections'

const stateOf = (each: Connection) =>
  each.archivedAt !== undefined ? 'archived' : each.disconnected ? 'disconnected' : 'connected'

const columns: readonly Column<Connection>[] = [
  {
    title: 'Connection',
    width: 'minmax(140px, 1.2fr)',
    cell: (each) => <Logo uri={each.integration?.logoUri} name={each.name} />,
  },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'State', width: '140px', from: 480, cell: (each) => <Status of={stateOf(each)} /> },
  { title: 'Last active', width: '120px', from: 640, cell: (each) => <Moment at={each.lastActiveAt} /> },
  { title: 'Error', width: 'minmax(120px, 1.5fr)', from: 860, cell: (each) => each.error?.message ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'integrationId', label: 'Integration', lookUp: integrationChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  ARCHIVED,
]

const fields: readonly Field[] = [{ name: 'name', label: 'Name', kind: 'text', required: true }]

export function Page() {
  return (
    <ListPage<Connection>
      title="Connections"
      about="Customers’ accounts at external apps."
      path={PATH}
      kind="connection"
      fetchPage={pagesOf(permea.connections.list)}
      filters={filters}
      columns={columns}
      actions={<ConnectButton />}
      empty={
        <Empty icon={IconPlug} title="Nothing is connected yet" action={<ConnectButton />}>
          Customers connect from your application, or from the connect page that opens here. They need an{' '}
          <To path="/integrations">integration</To> first.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconPlug} title="No connection fits these filters">
          The customer has not connected this app, or the connection is archived.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Connection>
      noun="connection"
      path={PATH}
      kind="connection"
      apiPath="/connections"
      fetchOne={(id, signal) => permea.connections.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => (
        <Logo uri={each.integration?.logoUri} name={`${each.name} of ${each.user?.name ?? each.userId}`} />
      )}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => <Actions connection={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About connection={each} /> },
        { key: 'data', title: 'Data', show: (each) => <ConnectionData connectionId={each.id} /> },
        { key: 'history', title: 'History', show: (each) => <History id={each.id} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="connections.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.connections.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ connection }: { connection: Connection }) {
  const params = { selector: connection.id }
  const isArchived = connection.archivedAt !== undefined && 'It is archived; restore it first'
  return (
    <>
      {connection.archivedAt === undefined && <ConnectButton connection={connection} label="Reconnect" />}
      <Act
        needs="connections.test"
        label="Test"
        run={() => permea.connections.test({ params })}
        unless={isArchived || (!connection.canTest && 'Its connector has no test') || null}
        said={({ success, error }) =>
          success ? 'It works' : `It does not work: ${error?.message ?? 'no reason given'}`
        }
      />
      <Act
        needs="connections.refreshCredentials"
        label="Refresh credentials"
        run={() => permea.connections.refreshCredentials({ params })}
        unless={isArchived || (!connection.canRefreshCredentials && 'These credentials cannot be refreshed') || null}
        said="Refreshed"
      />
      <ArchiveAct
        needs="connections.archive"
        name={connection.name}
        isArchived={connection.archivedAt !== undefined}
        text="Its flows stop, its subscriptions are unsubscribed, and the app is told where it can be."
        archive={() => permea.connections.archive({ params })}
        restore={() => permea.connections.restore({ params })}
      />
    </>
  )
}

function About({ connection }: { connection: Connection }) {
  const search = { connectionId: connection.id }
  return (
    <div className="stack">
      {connection.error !== undefined && <ErrorCard error={connection.error} />}
      <Facts
        of={{
          Customer: <CustomerLink customer={connection.user} id={connection.userId} />,
          Integration: connection.integrationId && (
            <IdLink id={connection.integrationId}>{connection.integration?.name ?? connection.integrationId}</IdLink>
          ),
          Connector: <IdLink id={connection.connectorId} />,
          'Connected by': connection.authOptionKey,
          'Credentials are refreshed': connection.nextCredentialsRefreshAt && (
            <Moment at={connection.nextCredentialsRefreshAt} />
          ),
          'Tried again': connection.nextRetryTimestamp && <Moment at={connection.nextRetryTimestamp} />,
          'Last active': <Moment at={connection.lastActiveAt} />,
          Connected: <Moment at={connection.createdAt} isExact />,
        }}
      />
      <nav className="trail" aria-label="What belongs to it">
        <To path="/external-event-subscriptions" search={search}>
          Event subscriptions
        </To>
        <To path="/external-events" search={search}>
          Events
        </To>
        <To path="/incoming-webhooks" search={search}>
          Incoming webhooks
        </To>
        <To path="/external-api-logs" search={search}>
          API requests
        </To>
        <To path="/flow-instances" search={search}>
          Flows
        </To>
        <To path="/flow-runs" search={search}>
          Flow runs
        </To>
        <To path="/action-runs" search={search}>
          Action runs
        </To>
        <To path="/alerts" search={{ contextKey: connection.id }}>
          Alerts about it
        </To>
      </nav>
    </div>
  )
}

function History({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ['connection', 'logs', id],
    queryFn: () => permea.connections.logs({ params: { selector: id }, query: { limit: 50 } }),
  })
  if (error !== null) return <Failure error={error} />
  if (data?.items.length === 0)
    return (
      <Empty icon={IconPlug} title="Nothing was tried yet">
        Each try to connect, refresh or test appears here.
      </Empty>
    )
  return (
    <ul className="plain-list">
      {data?.items.map((each) => (
        <li key={each.id}>
          <span>
            {each.kind}{' '}
            <span className="dim">
              <Moment at={each.createdAt} /> · {duration(each.durationMs)}
            </span>
            {each.error !== undefined && <div className="exchange-error">{each.error.message}</div>}
          </span>
          <Status of={each.status} />
        </li>
      ))}
    </ul>
  )
}
