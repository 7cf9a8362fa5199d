import { Skeleton } from '@mantine/core'
import { IconListCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices } from '../choices.ts'

type ActionRun = ItemOf<typeof permea.actionRunLogs.list>

const PATH = 'action-runs'

const columns: readonly Column<ActionRun>[] = [
  { title: 'Action', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  { title: 'Status', width: '110px', cell: (each) => <Status of={each.status} /> },
  {
    title: 'Customer',
    width: 'minmax(100px, 1fr)',
    from: 620,
    cell: (each) => (each.userId === undefined ? '–' : <CustomerLink customer={each.user} id={each.userId} />),
  },
  { title: 'Run', width: '120px', from: 480, cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Took', width: '90px', from: 700, cell: (each) => duration(each.duration) },
  { title: 'Error', width: 'minmax(120px, 1.4fr)', from: 860, cell: (each) => each.error?.message ?? '–' },
]

const filters: readonly Filter[] = [
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: ['success', 'error'].map((value) => ({ value, label: value })),
  },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'since', name: 'from', label: 'Run' },
  { kind: 'link', name: 'actionId', label: 'Action' },
  { kind: 'link', name: 'flowRunId', label: 'Flow run' },
]

export function Page() {
  return (
    <ListPage<ActionRun>
      title="Action Runs"
      about="Every time an action was run: by your application, by a flow, or by hand."
      path={PATH}
      kind="action-run-log-record"
      fetchPage={pagesOf(permea.actionRunLogs.list)}
      apiPath="/action-run-logs"
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconListCheck} title="No action was run yet">
          Run one by hand from <To path="/actions">Actions</To>, or from your application.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconListCheck} title="No run fits these filters">
          Runs leave after the retention time.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<ActionRun>
      noun="action run"
      path={PATH}
      kind="action-run-log-record"
      apiPath="/action-run-logs"
      fetchOne={(id, signal) => permea.actionRunLogs.get({ params: { id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={each.status} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About run={each} /> }]}
    />
  )
}

function About({ run }: { run: ActionRun }) {
  const { data, error } = useQuery({
    queryKey: ['action-run-log-record', 'details', run.id],
    queryFn: () => permea.actionRunLogs.details({ params: { id: run.id } }),
  })
  return (
    <div className="stack">
      {run.error !== undefined && <ErrorCard error={run.error} />}
      <Facts
        of={{
          Run: <Moment at={run.createdAt} isExact />,
          Took: duration(run.duration),
          Action: run.actionId && <IdLink id={run.actionId} />,
          Customer: run.userId && <CustomerLink customer={run.user} id={run.userId} />,
          Connection: run.connectionId && <IdLink id={run.connectionId} />,
          'Flow run': run.flowRunId && <IdLink id={run.flowRunId} />,
          'Leads to': (
            <To path="/external-api-logs" search={{ sourceId: run.id }}>
              its requests to the app
            </To>
          ),
        }}
      />
      {error !== null && <Failure error={error} />}
      {data === undefined && error === null && <Skeleton height={160} />}
      {data !== undefined && (
        <>
          <Json value={data.input} label="input" title="Input" />
          <Json value={data.output} label="output" title="Output" />
          {data.logs.length > 0 && <Json value={data.logs} label="what it logged" title="Log" />}
        </>
      )}
    </div>
  )
}
