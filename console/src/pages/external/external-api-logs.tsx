import { Skeleton } from '@mantine/core'
import { IconArrowsExchange } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { IdLink } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices, customerChoices } from '../choices.ts'

type ApiLog = ItemOf<typeof permea.externalApiLogs.list>

const PATH = 'external-api-logs'
const stateOf = (each: ApiLog) => (each.isSuccess ? 'success' : 'failed')

const columns: readonly Column<ApiLog>[] = [
  {
    title: 'Request',
    width: 'minmax(180px, 3fr)',
    cell: (each) => (
      <code>
        {each.method} {each.requestUrl}
      </code>
    ),
  },
  {
    title: 'Answer',
    width: '110px',
    cell: (each) => <Status of={stateOf(each)} label={String(each.statusCode ?? 'none')} />,
  },
  { title: 'Sent', width: '120px', from: 480, cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Took', width: '90px', from: 640, cell: (each) => duration(each.duration) },
  { title: 'Error', width: 'minmax(100px, 1fr)', from: 860, cell: (each) => each.error ?? '–' },
]

const filters: readonly Filter[] = [
  {
    kind: 'choice',
    name: 'isSuccess',
    label: 'Outcome',
    choices: [
      { value: 'true', label: 'Succeeded' },
      { value: 'false', label: 'Failed' },
    ],
  },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Sent' },
  { kind: 'link', name: 'sourceId', label: 'On behalf of' },
  { kind: 'link', name: 'integrationId', label: 'Integration' },
]

export function Page() {
  return (
    <ListPage<ApiLog>
      title="External API Logs"
      about="Every request to an external app with a connection’s credentials. Secrets are masked."
      path={PATH}
      kind="external-api-log-record"
      fetchPage={pagesOf(permea.externalApiLogs.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconArrowsExchange} title="No app was asked anything yet">
          Requests of functions, actions, flows and of the proxy appear here.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconArrowsExchange} title="No request fits these filters">
          A request that was never sent, say because its function failed before, is not here: see the function calls.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<ApiLog>
      noun="API request"
      path={PATH}
      kind="external-api-log-record"
      apiPath="/external-api-logs"
      fetchOne={(id, signal) => permea.externalApiLogs.get({ params: { id } }, { signal })}
      titleOf={(each) => (
        <code>
          {each.method} {each.requestUrl}
        </code>
      )}
      statusOf={(each) => <Status of={stateOf(each)} label={String(each.statusCode ?? 'no answer')} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About log={each} /> }]}
    />
  )
}

function About({ log }: { log: ApiLog }) {
  const { data, error } = useQuery({
    queryKey: ['external-api-log-record', 'content', log.id],
    queryFn: () => permea.externalApiLogs.getContent({ params: { id: log.id } }),
  })
  return (
    <div className="stack">
      <Facts
        of={{
          Sent: <Moment at={log.createdAt} isExact />,
          Took: duration(log.duration),
          Connection: <IdLink id={log.connectionId} />,
          Customer: <IdLink id={log.userId} />,
          'On behalf of': log.sourceId && <IdLink id={log.sourceId} />,
        }}
      />
      {log.error !== undefined && <p className="exchange-error">{log.error}</p>}
      {error !== null && <Failure error={error} />}
      {data === undefined && error === null && <Skeleton height={160} />}
      {data !== undefined && <Json value={data.request} label="request" title="Request" />}
      {data?.response !== undefined && <Json value={data.response} label="answer" title="Answer" />}
    </div>
  )
}
