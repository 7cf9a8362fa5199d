import { IconWebhook } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Exchange } from '../../parts/exchange.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { CustomerLink, To } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { customerChoices, eventTypeChoices } from '../choices.ts'

type Subscription = ItemOf<typeof permea.appEventSubscriptions.list>

const PATH = 'app-event-subscriptions'
const stateOf = (subscription: Subscription) =>
  subscription.archivedAt === undefined ? subscription.status : 'archived'

const columns: readonly Column<Subscription>[] = [
  {
    title: 'Event type',
    width: 'minmax(140px, 1.2fr)',
    cell: (each) => each.appEventType?.name ?? each.appEventTypeId,
  },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'Status', width: '130px', from: 480, cell: (each) => <Status of={stateOf(each)} /> },
  { title: 'Instance', width: '110px', from: 900, cell: (each) => each.instanceKey ?? '–' },
  { title: 'Changed', width: '120px', from: 640, cell: (each) => <Moment at={each.updatedAt} /> },
  { title: 'Error', width: 'minmax(120px, 1.5fr)', from: 900, cell: (each) => each.error?.message ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'lookup', name: 'appEventTypeId', label: 'Event type', lookUp: eventTypeChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  {
    kind: 'choice',
    name: 'isSubscribed',
    label: 'Subscribed',
    choices: [
      { value: 'true', label: 'Subscribed' },
      { value: 'false', label: 'Not subscribed' },
    ],
  },
  ARCHIVED,
]

export function Page() {
  return (
    <ListPage<Subscription>
      title="App Event Subscriptions"
      about="Which events of which customer your application was asked for, and at what address they come in."
      path={PATH}
      kind="app-event-subscription"
      fetchPage={pagesOf(permea.appEventSubscriptions.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconWebhook} title="No subscriptions yet">
          One is made when a flow with an app event trigger is enabled for a customer. See{' '}
          <To path="/flow-instances">what customers have enabled</To>.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconWebhook} title="No subscription fits these filters">
          If a customer’s is missing, no enabled flow of theirs waits for these events.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Subscription>
      noun="subscription"
      path={PATH}
      kind="app-event-subscription"
      apiPath="/app-event-subscriptions"
      fetchOne={(id, signal) => permea.appEventSubscriptions.get({ params: { id } }, { signal })}
      titleOf={(each) => `${each.appEventType?.name ?? 'Events'} of ${each.user?.name ?? each.userId}`}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => <Actions subscription={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About subscription={each} /> },
        { key: 'requests', title: 'Requests', show: (each) => <Requests id={each.id} /> },
      ]}
    />
  )
}

function Actions({ subscription }: { subscription: Subscription }) {
  const params = { id: subscription.id }
  const isArchived = subscription.archivedAt !== undefined && 'It is archived; restore it first'
  return (
    <>
      <Act
        needs="appEventSubscriptions.subscribe"
        label="Subscribe now"
        run={() => permea.appEventSubscriptions.subscribe({ params })}
        unless={isArchived}
        said={(after) => `It is ${after.status} now`}
      />
      <Act
        needs="appEventSubscriptions.unsubscribe"
        label="Unsubscribe"
        run={() => permea.appEventSubscriptions.unsubscribe({ params })}
        unless={subscription.isSubscribed ? null : 'It is not subscribed'}
        said={(after) => `It is ${after.status} now`}
        confirm={{ title: 'Unsubscribe?', text: 'Your application is asked to send no more events to its address.' }}
      />
      {subscription.archivedAt === undefined ? (
        <Act
          needs="appEventSubscriptions.archive"
          label="Archive"
          run={() => permea.appEventSubscriptions.archive({ params })}
          said="Archived"
          confirm={{ title: 'Archive this subscription?', text: 'It is unsubscribed and its address answers 410.' }}
        />
      ) : (
        <Act
          needs="appEventSubscriptions.restore"
          label="Restore"
          run={() => permea.appEventSubscriptions.restore({ params })}
          said="Restored"
        />
      )}
    </>
  )
}

function About({ subscription }: { subscription: Subscription }) {
  return (
    <div className="stack">
      {subscription.error !== undefined && (
        <ErrorCard
          error={subscription.error}
          aside={
            <>
              After {numberOf(subscription.attempts, 'attempt')}
              {subscription.nextAttemptAt !== undefined && (
                <>
                  ; the next one <Moment at={subscription.nextAttemptAt} />
                </>
              )}
            </>
          }
        />
      )}
      <Facts
        of={{
          'Event type': (
            <To path={`/app-event-types/${subscription.appEventTypeId}`}>
              {subscription.appEventType?.name ?? subscription.appEventTypeId}
            </To>
          ),
          Customer: <CustomerLink customer={subscription.user} id={subscription.userId} />,
          'Webhook address': <Copyable text={subscription.webhookUri} what="webhook address" />,
          'Instance key': subscription.instanceKey,
          Changed: <Moment at={subscription.updatedAt} isExact />,
          'Leads to': (
            <>
              <To path="/app-events" search={{ appEventSubscriptionId: subscription.id }}>
                events that came in here
              </To>
              {' · '}
              <To path="/flow-instances" search={{ userId: subscription.userId }}>
                flows of the customer
              </To>
              {' · '}
              <To path="/alerts" search={{ contextKey: subscription.id }}>
                alerts about it
              </To>
            </>
          ),
        }}
      />
    </div>
  )
}

function Requests({ id }: { id: string }) {
  const { data, error } = useQuery({
    queryKey: ['app-event-subscription', 'requests', id],
    queryFn: () => permea.appEventSubscriptions.listRequests({ params: { id }, query: { limit: 50 } }),
  })
  if (error !== null) return <Failure error={error} />
  if (data?.items.length === 0)
    return (
      <Empty icon={IconWebhook} title="Your application was not asked">
        The event type has no subscribe request, so there was nothing to send: its webhook addresses work at once.
      </Empty>
    )
  return (
    <div className="stack">
      {data?.items.map((each) => (
        <Exchange
          key={each.id}
          title={each.kind}
          status={each.error === undefined ? 'success' : 'failed'}
          about={
            <>
              <Moment at={each.createdAt} /> · {each.trigger} · {duration(each.durationMs)}
            </>
          }
          request={each.request}
          response={each.response}
          error={each.error?.message}
        />
      ))}
    </div>
  )
}
