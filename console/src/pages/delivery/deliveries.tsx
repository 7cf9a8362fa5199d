import { IconSend } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type AnswerOf, type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Exchange } from '../../parts/exchange.tsx'
import { Facts } from '../../parts/facts.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Payload } from '../../parts/payload.tsx'
import { Status } from '../../parts/status.tsx'
import { TraceLink } from '../../parts/trace-link.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { Trail } from '../../trail/later.ts'
import { destinationChoices } from '../choices.ts'
import { ReplayButton } from './replay-button.tsx'

type Delivery = ItemOf<typeof permea.deliveries.list>
type DeliveryWithAttempts = AnswerOf<typeof permea.deliveries.get>

const PATH = 'deliveries'

const columns: readonly Column<Delivery>[] = [
  { title: 'Message', width: 'minmax(130px, 1fr)', cell: (each) => <code>{each.eventType}</code> },
  { title: 'State', width: '150px', cell: (each) => <Status of={each.state} /> },
  { title: 'To', width: 'minmax(110px, 1fr)', from: 700, cell: (each) => <Destination id={each.destinationId} /> },
  { title: 'Made', width: '120px', from: 480, cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Attempts', width: '80px', from: 620, cell: (each) => each.attemptsMade },
  { title: 'Last error', width: 'minmax(120px, 1.4fr)', from: 900, cell: (each) => each.lastError ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search in messages', needs: 'payloads' },
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    choices: [
      { value: 'pending', label: 'Pending' },
      { value: 'succeeded', label: 'Succeeded' },
      { value: 'exhausted', label: 'Failed for good' },
      { value: 'cancelled', label: 'Cancelled' },
    ],
  },
  { kind: 'lookup', name: 'destinationId', label: 'Destination', lookUp: destinationChoices },
  { kind: 'since', name: 'from', label: 'Made' },
  { kind: 'link', name: 'sourceId', label: 'About' },
  { kind: 'link', name: 'eventType', label: 'Message' },
]

/** By its name: an endpoint of the workspace, one of a customer, or a subscription to events of an app. */
function Destination({ id }: { id: string }) {
  const { data: known } = useQuery({
    queryKey: ['choices', 'destinationId'],
    queryFn: destinationChoices,
    staleTime: 30_000,
  })
  const label = known?.find((each) => each.value === id)?.label
  const { data: found } = useQuery({
    queryKey: ['destination', id],
    queryFn: (): Promise<{ name: string }> =>
      id.startsWith('ees_')
        ? permea.externalEventSubscriptions.get({ params: { id } })
        : permea.notificationEndpoints.get({ params: { id } }),
    enabled: known !== undefined && label === undefined,
    staleTime: 30_000,
  })
  return <IdLink id={id}>{label ?? found?.name ?? id}</IdLink>
}

function NamedCustomer({ id }: { id: string }) {
  const { data } = useQuery({
    queryKey: ['customer-name', id],
    queryFn: () => permea.customers.get({ params: { selector: id } }),
    staleTime: 30_000,
  })
  return <CustomerLink customer={data} id={id} />
}

export function Page() {
  return (
    <ListPage<Delivery>
      title="Deliveries"
      about="Messages to your own endpoints, with every attempt."
      path={PATH}
      kind="delivery"
      fetchPage={pagesOf(permea.deliveries.list)}
      filters={filters}
      columns={columns}
      actions={<ReplayButton />}
      empty={
        <Empty icon={IconSend} title="Nothing was sent yet">
          Tell the engine where to send notifications under <To path="/webhook-notifications">Webhook Notifications</To>
          .
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconSend} title="No delivery fits these filters">
          A message is made only where an endpoint wants its kind. See{' '}
          <To path="/webhook-notifications">which endpoint wants what</To>.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<DeliveryWithAttempts>
      noun="delivery"
      path={PATH}
      kind="delivery"
      apiPath="/deliveries"
      fetchOne={(id, signal) => permea.deliveries.get({ params: { id } }, { signal })}
      titleOf={(each) => <code>{each.eventType}</code>}
      statusOf={(each) => <Status of={each.state} />}
      actions={(each) => (
        <Act
          needs="deliveries.retry"
          label="Send again now"
          run={() => permea.deliveries.retry({ params: { id: each.id } })}
          said={({ attempt }) =>
            attempt.outcome === 'acknowledged' ? 'Delivered' : `Not delivered: ${attempt.error ?? attempt.outcome}`
          }
        />
      )}
      tabs={[
        { key: 'attempts', title: 'Attempts', show: (each) => <Attempts delivery={each} /> },
        {
          key: 'trail',
          title: 'Way',
          show: (each) => <Trail of={each.sourceId ?? ''} here={each.id} />,
        },
        {
          key: 'message',
          title: 'Message',
          show: (each) => <Payload value={each.body} cutAt={each.payloadCutAt} label="message" />,
        },
      ]}
    />
  )
}

function Attempts({ delivery }: { delivery: DeliveryWithAttempts }) {
  return (
    <div className="stack">
      <Facts
        of={{
          Made: <Moment at={delivery.createdAt} isExact />,
          To: <Destination id={delivery.destinationId} />,
          About: delivery.sourceId === undefined ? undefined : <IdLink id={delivery.sourceId} />,
          Customer: delivery.tenantId === undefined ? undefined : <NamedCustomer id={delivery.tenantId} />,
          'Next attempt': delivery.nextAttemptAt === undefined ? undefined : <Moment at={delivery.nextAttemptAt} />,
          Trace: delivery.traceId === undefined ? undefined : <TraceLink id={delivery.traceId} />,
          Settled: delivery.settledAt === undefined ? undefined : <Moment at={delivery.settledAt} isExact />,
        }}
      />
      {delivery.attempts.length === 0 && <p className="dim">No attempt was made yet.</p>}
      {delivery.attempts.map((attempt, at) => (
        <Exchange
          key={attempt.id}
          title={attempt.number === undefined ? `Sent by hand` : `Attempt ${attempt.number}`}
          status={attempt.outcome}
          about={
            <>
              <Moment at={attempt.createdAt} /> · {duration(attempt.durationMs)}
            </>
          }
          request={attempt.request}
          response={attempt.response}
          error={attempt.error}
          errorKey={attempt.outcome === 'acknowledged' ? undefined : (attempt.errorClass ?? attempt.outcome)}
          isOpen={at === 0}
        />
      ))}
    </div>
  )
}
