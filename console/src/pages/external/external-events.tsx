import { IconBroadcast } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { CustomerLink, IdLink } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Payload } from '../../parts/payload.tsx'
import { previewOf } from '../../parts/preview.ts'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { Trail } from '../../trail/later.ts'
import { connectionChoices, customerChoices } from '../choices.ts'

type ExternalEvent = ItemOf<typeof permea.externalEvents.list>

const PATH = 'external-events'
const ALSO = ['flow-run', 'delivery']

const columns: readonly Column<ExternalEvent>[] = [
  { title: 'Event', width: 'minmax(140px, 1.2fr)', cell: (each) => each.name ?? each.id },
  { title: 'Came in', width: '120px', cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Status', width: '110px', from: 480, cell: (each) => <Status of={each.status} /> },
  {
    title: 'Customer',
    width: 'minmax(100px, 1fr)',
    from: 640,
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'Payload', width: 'minmax(120px, 2fr)', from: 860, cell: (each) => <code>{previewOf(each.payload)}</code> },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search in payloads', needs: 'payloads' },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: ['created', 'success', 'error'].map((value) => ({ value, label: value })),
  },
  { kind: 'since', name: 'from', label: 'Came in' },
  { kind: 'link', name: 'externalEventSubscriptionId', label: 'Subscription' },
  { kind: 'link', name: 'incomingWebhookId', label: 'Incoming webhook' },
  { kind: 'link', name: 'integrationId', label: 'Integration' },
]

export function Page() {
  return (
    <ListPage<ExternalEvent>
      title="External Events"
      about="What was made of incoming webhooks, and where it went."
      path={PATH}
      kind="external-event-log-record"
      alsoFollows={ALSO}
      fetchPage={pagesOf(permea.externalEvents.list)}
      apiPath="/external-event-log-records"
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconBroadcast} title="No event of an app yet">
          Once an app posts to a subscription’s address, what its handle function makes of that appears here.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconBroadcast} title="No event fits these filters">
          See the incoming webhooks: perhaps it came in, and its handle function made no event of it.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<ExternalEvent>
      noun="external event"
      path={PATH}
      kind="external-event-log-record"
      alsoFollows={ALSO}
      apiPath="/external-event-log-records"
      fetchOne={(id, signal) => permea.externalEvents.get({ params: { id } }, { signal })}
      titleOf={(each) => each.name ?? 'External event'}
      statusOf={(each) => <Status of={each.status} />}
      actions={(each) => (
        <Act
          needs="externalEvents.replay"
          label="Send it on again"
          run={() => permea.externalEvents.replay({ params: { id: each.id } })}
          said="Delivered to where its subscription points now, and given to the flows that want it now"
          confirm={{
            title: 'Send this event on again?',
            text: 'It is delivered again, and flows that want it now are launched, with the effects that has.',
          }}
        />
      )}
      tabs={[
        { key: 'event', title: 'Event', show: (each) => <About event={each} /> },
        { key: 'trail', title: 'Way', show: (each) => <Trail of={each.id} here={each.id} /> },
      ]}
    />
  )
}

function About({ event }: { event: ExternalEvent }) {
  return (
    <div className="stack">
      {event.error !== undefined && <ErrorCard error={event.error} />}
      <Facts
        of={{
          'Came in': <Moment at={event.createdAt} isExact />,
          Customer: <CustomerLink customer={event.user} id={event.userId} />,
          Connection: <IdLink id={event.connectionId} />,
          Subscription: (
            <IdLink id={event.externalEventSubscriptionId}>
              {event.externalEventSubscription?.name ?? event.externalEventSubscriptionId}
            </IdLink>
          ),
          'Incoming webhook': event.incomingWebhookId && <IdLink id={event.incomingWebhookId} />,
          Delivery: event.deliveryId && (
            <>
              <IdLink id={event.deliveryId} /> <Status of={event.deliveryState} />
            </>
          ),
        }}
      />
      {event.launchedFlowRuns.length > 0 && (
        <div>
          <h3 className="section-title">Flow runs</h3>
          <ul className="plain-list">
            {event.launchedFlowRuns.map((run) => (
              <li key={run.id}>
                <IdLink id={run.id} />
                <Status of={run.state} />
              </li>
            ))}
          </ul>
        </div>
      )}
      <Payload value={event.payload} cutAt={event.payloadCutAt} label="payload" title="Payload" />
    </div>
  )
}
