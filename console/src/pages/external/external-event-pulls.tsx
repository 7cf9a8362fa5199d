import { IconRefreshDot } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices, customerChoices } from '../choices.ts'

type Pull = ItemOf<typeof permea.externalEventPulls.list>

const PATH = 'external-event-pulls'

/** `2 created, 1 deleted, 40 skipped`; what it skipped is what it read that was nothing new. */
function foundIn({ found }: Pull): string {
  const { skipped = 0, ...changes } = found ?? {}
  const parts = Object.entries(changes).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]))
  const told = parts.length === 0 ? ['nothing new'] : parts
  return [...told, ...(skipped === 0 ? [] : [`${skipped} skipped`])].join(', ')
}

const columns: readonly Column<Pull>[] = [
  { title: 'Found', width: 'minmax(140px, 1.4fr)', cell: foundIn },
  { title: 'Status', width: '120px', cell: (each) => <Status of={each.status} /> },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    from: 560,
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  {
    title: 'How',
    width: '130px',
    from: 820,
    cell: (each) => (each.isFullScan === true ? 'all records' : 'the newest'),
  },
  { title: 'Began', width: '120px', from: 480, cell: (each) => <Moment at={each.startDatetime} /> },
]

const filters: readonly Filter[] = [
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: ['queued', 'running', 'success', 'error'].map((value) => ({ value, label: value })),
  },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Began' },
  { kind: 'link', name: 'externalEventSubscriptionId', label: 'Subscription' },
]

export function Page() {
  return (
    <ListPage<Pull>
      title="Pulls"
      about="Looks at apps that do not tell of changes by themselves, and what they found."
      path={PATH}
      kind="external-event-pull"
      fetchPage={pagesOf(permea.externalEventPulls.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconRefreshDot} title="No app was looked at yet">
          Flows that start with a record of an app without webhooks have it looked at again and again.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconRefreshDot} title="No pull fits these filters">
          Nothing was looked at in this way.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Pull>
      noun="pull"
      path={PATH}
      kind="external-event-pull"
      apiPath="/external-event-pulls"
      fetchOne={(id, signal) => permea.externalEventPulls.get({ params: { id } }, { signal })}
      titleOf={foundIn}
      statusOf={(each) => <Status of={each.status} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About pull={each} /> }]}
    />
  )
}

function About({ pull }: { pull: Pull }) {
  const { data, error } = useQuery({
    queryKey: ['external-event-pull', 'telemetry', pull.id, pull.status],
    queryFn: () => permea.externalEventPulls.telemetry({ params: { id: pull.id } }),
  })
  return (
    <div className="stack">
      {pull.error !== undefined && <ErrorCard error={pull.error} />}
      <Facts
        of={{
          Began: <Moment at={pull.startDatetime} isExact />,
          Ended: <Moment at={pull.endDatetime} isExact />,
          Found: foundIn(pull),
          How: data?.strategy,
          Collection: data?.collectionKey,
          Customer: <CustomerLink customer={pull.user} id={pull.userId} />,
          Connection: <IdLink id={pull.connectionId} />,
          Subscription: <IdLink id={pull.externalEventSubscriptionId} />,
        }}
      />
      {error !== null && <Failure error={error} />}
      {data !== undefined && data.notes.length > 0 && (
        <ul className="plain-list">
          {data.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      {data !== undefined && <Json value={data} label="telemetry" title="What it did" />}
    </div>
  )
}
