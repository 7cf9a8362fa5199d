import { Skeleton } from '@mantine/core'
import { IconArrowDownCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Payload } from '../../parts/payload.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { Trail } from '../../trail/later.ts'
import { connectionChoices, customerChoices } from '../choices.ts'

type Webhook = ItemOf<typeof permea.incomingWebhooks.list>

const PATH = 'incoming-webhooks'

const columns: readonly Column<Webhook>[] = [
  { title: 'Webhook', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name ?? each.id },
  { title: 'Came in', width: '120px', cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Status', width: '110px', from: 480, cell: (each) => <Status of={each.status} /> },
  {
    title: 'Customer',
    width: 'minmax(100px, 1fr)',
    from: 640,
    cell: (each) => (each.userId === undefined ? '–' : <CustomerLink customer={each.customer} id={each.userId} />),
  },
  { title: 'Answered', width: '90px', from: 720, cell: (each) => each.responseStatus ?? '–' },
  { title: 'Events', width: '70px', from: 560, cell: eventsCell },
  { title: 'Error', width: 'minmax(120px, 1.4fr)', from: 900, cell: (each) => each.error?.message ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search in requests', needs: 'payloads' },
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: [
      { value: 'success', label: 'success' },
      { value: 'error', label: 'error' },
    ],
  },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Came in' },
  { kind: 'link', name: 'externalEventSubscriptionId', label: 'Subscription' },
  { kind: 'link', name: 'integrationId', label: 'Integration' },
]

export function Page() {
  return (
    <ListPage<Webhook>
      title="Incoming Webhooks"
      about="Every request that an external app sent, what was made of it, and what it was answered."
      path={PATH}
      kind="incoming-webhook-log-record"
      fetchPage={pagesOf(permea.incomingWebhooks.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconArrowDownCircle} title="No app has sent anything yet">
          What apps post to the address of a subscription, or to a global webhook, appears here, also where it was
          refused.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconArrowDownCircle} title="Nothing fits these filters">
          If the app says it has sent something, compare the address it sent to with that of the subscription.
        </Empty>
      }
    />
  )
}

export function Record() {
  const navigate = useNavigate()
  return (
    <RecordDrawer<Webhook>
      noun="incoming webhook"
      path={PATH}
      kind="incoming-webhook-log-record"
      apiPath="/incoming-webhooks"
      fetchOne={(id, signal) => permea.incomingWebhooks.get({ params: { id } }, { signal })}
      titleOf={(each) => each.name ?? 'Incoming webhook'}
      statusOf={(each) => <Status of={each.status} />}
      actions={(each) => (
        <Act
          needs="incomingWebhooks.replay"
          label="Handle it again"
          run={() => permea.incomingWebhooks.replay({ params: { id: each.id } })}
          said="Handled again by the function as it is now"
          onDone={(again) => void navigate({ to: `/${PATH}/${again.id}`, search: true })}
        />
      )}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About webhook={each} /> },
        { key: 'trail', title: 'Way', show: (each) => <Trail of={each.id} here={each.id} /> },
        { key: 'request', title: 'Request and answer', show: (each) => <Details id={each.id} /> },
      ]}
    />
  )
}

function eventsCell({ collectedEventIds, repeatedEventIds = [] }: Webhook) {
  return collectedEventIds.length === 0 && repeatedEventIds.length > 0 ? 'repeated' : collectedEventIds.length
}

function About({ webhook }: { webhook: Webhook }) {
  const repeated = webhook.repeatedEventIds ?? []
  return (
    <div className="stack">
      {webhook.error !== undefined && <ErrorCard error={webhook.error} />}
      <Facts
        of={{
          'Came in': <Moment at={webhook.createdAt} isExact />,
          Method: webhook.method,
          Answered: webhook.responseStatus,
          Took: duration(webhook.durationMs),
          Customer: webhook.userId && <CustomerLink customer={webhook.customer} id={webhook.userId} />,
          Connection: webhook.connectionId && <IdLink id={webhook.connectionId} />,
          Subscription: webhook.subscriptionId && <IdLink id={webhook.subscriptionId} />,
          'Handled again from': webhook.replayOf && <IdLink id={webhook.replayOf} />,
        }}
      />
      <div>
        <h3 className="section-title">Events made of it</h3>
        {webhook.collectedEventIds.length === 0 && repeated.length === 0 && <p className="dim flat">None.</p>}
        <ul className="plain-list">
          {webhook.collectedEventIds.map((id) => (
            <li key={id}>
              <IdLink id={id} />
            </li>
          ))}
        </ul>
      </div>
      {repeated.length > 0 && (
        <div>
          <h3 className="section-title">Repeated</h3>
          <p className="dim flat">The app told of these events before, so nothing followed from them now.</p>
          <ul className="plain-list">
            {[...new Set(repeated)].map((id) => (
              <li key={id}>
                <IdLink id={id} />
              </li>
            ))}
          </ul>
        </div>
      )}
    </div>
  )
}

function Details({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ['incoming-webhook-log-record', 'details', id],
    queryFn: () => permea.incomingWebhooks.getDetails({ params: { id } }),
  })
  if (error !== null) return <Failure error={error} />
  if (data === undefined) return <Skeleton height={200} />
  const { data: parsed, body, ...head } = data.request
  return (
    <div className="stack">
      <Json value={head} label="head of the request" title="Request" />
      <Payload
        value={parsed ?? body ?? data.request.bodyBase64}
        cutAt={data.payloadCutAt}
        label="body of the request"
        title="Body"
      />
      {data.response !== undefined && <Json value={data.response} label="answer" title="Answer" />}
    </div>
  )
}
