import { Alert, Button } from '@mantine/core'
import { IconWebhook } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices, customerChoices, externalEventTypeChoices } from '../choices.ts'

type Subscription = ItemOf<typeof permea.externalEventSubscriptions.list>

const PATH = 'external-event-subscriptions'
const stateOf = (each: Subscription) => (each.archivedAt === undefined ? each.status : 'archived')

const columns: readonly Column<Subscription>[] = [
  { title: 'Event', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    from: 560,
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'Status', width: '130px', cell: (each) => <Status of={stateOf(each)} /> },
  {
    title: 'Goes to',
    width: 'minmax(110px, 1fr)',
    from: 820,
    cell: (each) => each.webhookUri ?? (each.isManual ? 'nowhere yet' : 'flows'),
  },
  { title: 'Changed', width: '120px', from: 640, cell: (each) => <Moment at={each.updatedAt} /> },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'externalEventTypeId', label: 'Event type', lookUp: externalEventTypeChoices },
  { kind: 'lookup', name: 'connectionId', label: 'Connection', lookUp: connectionChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  {
    kind: 'choice',
    name: 'status',
    label: 'Status',
    choices: ['subscribed', 'unsubscribed', 'error'].map((value) => ({ value, label: value })),
  },
  ARCHIVED,
]

const STAYS = 'Make another subscription for another one.'

const fields: readonly Field[] = [
  {
    name: 'connectionId',
    label: 'Connection',
    kind: 'lookup',
    lookUp: connectionChoices,
    required: true,
    fixed: STAYS,
  },
  {
    name: 'externalEventTypeId',
    label: 'External event type',
    kind: 'lookup',
    lookUp: externalEventTypeChoices,
    fixed: STAYS,
  },
  {
    name: 'parameters',
    label: 'Parameters',
    kind: 'json',
    about: 'What the event type asks of a subscriber. A change resubscribes.',
  },
  {
    name: 'webhookUri',
    label: 'Where events go',
    kind: 'destination',
    placeholder: 'https://your-app.example.com/events',
    about: 'A public address; each event is posted there. Empty: events are stored, and go nowhere.',
  },
]

export function Page() {
  return (
    <ListPage<Subscription>
      title="External Event Subscriptions"
      about="Which events of which connection the engine asked an app for, and where they go."
      path={PATH}
      kind="external-event-subscription"
      fetchPage={pagesOf(permea.externalEventSubscriptions.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="externalEventSubscriptions.create" path={PATH} label="Subscribe" />}
      empty={
        <Empty
          icon={IconWebhook}
          title="No subscriptions yet"
          action={<NewButton needs="externalEventSubscriptions.create" path={PATH} label="Subscribe" />}
        >
          Choose a <To path="/connections">connection</To> and an{' '}
          <To path="/external-event-types">external event type</To>. Flows with a trigger of an app subscribe by
          themselves.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconWebhook} title="No subscription fits these filters">
          The engine has not asked for these events.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="externalEventSubscriptions.create"
      title="Subscribe to events of an app"
      path={PATH}
      fields={fields}
      button="Subscribe"
      create={(body) =>
        permea.externalEventSubscriptions.create({ body: { ...body, connectionId: String(body.connectionId) } })
      }
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<Subscription>
      noun="subscription"
      path={PATH}
      kind="external-event-subscription"
      apiPath="/external-event-subscriptions"
      fetchOne={(id, signal) => permea.externalEventSubscriptions.get({ params: { id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => <Actions subscription={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About subscription={each} /> },
        { key: 'calls', title: 'Function calls', show: (each) => <Calls subscription={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="externalEventSubscriptions.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.externalEventSubscriptions.patch({ params: { id: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ subscription }: { subscription: Subscription }) {
  const params = { id: subscription.id }
  const api = permea.externalEventSubscriptions
  const isArchived = subscription.archivedAt !== undefined && 'It is removed'
  const said = (after: Subscription) => `It is ${after.status} now`
  return (
    <>
      <Act
        needs="externalEventSubscriptions.resubscribe"
        label="Subscribe again"
        run={() => api.resubscribe({ params })}
        unless={isArchived || null}
        said={said}
      />
      <Act
        needs="externalEventSubscriptions.refreshWebhook"
        label="Refresh"
        run={() => api.refreshWebhook({ params })}
        unless={isArchived || null}
        said={said}
      />
      {(subscription.requiresPull || subscription.requiresFullSync) && (
        <Act
          needs="externalEventPulls.pullEvents"
          label="Pull now"
          run={() => permea.externalEventPulls.pullEvents({ params })}
          unless={isArchived || null}
          said={(pull) =>
            pull.status === 'success'
              ? `${numberOf(pull.collectedEventIds.length, 'event')} found`
              : `The pull is ${pull.status}`
          }
        />
      )}
      <Act
        needs="externalEventSubscriptions.unsubscribe"
        label="Unsubscribe"
        run={() => api.unsubscribe({ params })}
        unless={isArchived || (subscription.status !== 'subscribed' && 'It is not subscribed') || null}
        said={said}
      />
      <Act
        needs="externalEventSubscriptions.resumeDelivery"
        label="Deliver again"
        run={() => api.resumeDelivery({ params })}
        unless={subscription.deliveryState === 'paused' ? null : 'Its delivery is not paused'}
        said="Delivery goes on, beginning with what was kept"
      />
      <ArchiveAct
        needs="externalEventSubscriptions.archive"
        name={subscription.name}
        isArchived={subscription.archivedAt !== undefined}
        text="The app is asked to send no more, and the subscription is removed."
        archive={() => api.archive({ params })}
      />
    </>
  )
}

function About({ subscription }: { subscription: Subscription }) {
  const search = { externalEventSubscriptionId: subscription.id }
  return (
    <div className="stack">
      {subscription.error !== undefined && (
        <ErrorCard
          error={subscription.error}
          aside={
            subscription.nextAttemptAt !== undefined && (
              <>
                The next attempt <Moment at={subscription.nextAttemptAt} />
              </>
            )
          }
        />
      )}
      {subscription.needsResubscribe && (
        <Alert variant="outline" color="yellow">
          Its subscribe function is another one by now. Subscribe again to use it.
        </Alert>
      )}
      <Facts
        of={{
          Customer: <CustomerLink customer={subscription.user} id={subscription.userId} />,
          Connection: <IdLink id={subscription.connectionId} />,
          'Event type': subscription.externalEventTypeId && <IdLink id={subscription.externalEventTypeId} />,
          'Event of the connector': subscription.config?.eventKey,
          'Made by': subscription.isManual ? 'hand' : 'flows that need it',
          'Events come in at': <Copyable text={subscription.incomingWebhookUri} what="incoming address" />,
          'Events go to': <Copyable text={subscription.webhookUri} what="where events go" />,
          Delivery: subscription.deliveryState && <Status of={subscription.deliveryState} />,
          'Refreshed next': subscription.nextRefreshTimestamp && (
            <Moment at={new Date(subscription.nextRefreshTimestamp).toISOString()} />
          ),
        }}
      />
      <Secret subscription={subscription} />
      <nav className="trail" aria-label="What came of it">
        <To path="/incoming-webhooks" search={search}>
          Incoming webhooks
        </To>
        <To path="/external-event-pulls" search={search}>
          Pulls
        </To>
        <To path="/external-events" search={search}>
          Events
        </To>
        <To path="/deliveries" search={{ destinationId: subscription.id }}>
          Deliveries
        </To>
        <To path="/alerts" search={{ contextKey: subscription.id }}>
          Alerts about it
        </To>
      </nav>
      {Object.keys(subscription.parameters).length > 0 && (
        <Json value={subscription.parameters} label="parameters" title="Parameters" />
      )}
      {subscription.stateData !== undefined && (
        <Json value={subscription.stateData} label="state" title="State, as the functions returned it" />
      )}
    </div>
  )
}

/** Rotates the secret that signs what is delivered, and shows the new one this once. */
function Secret({ subscription }: { subscription: Subscription }) {
  const [secret, setSecret] = useState<string | null>(null)
  if (secret !== null)
    return (
      <Alert role="status" variant="outline" color="yellow" title="Keep the secret now">
        <code className="secret">{secret}</code>
        <Button size="xs" mt="sm" onClick={() => setSecret(null)}>
          I have it
        </Button>
      </Alert>
    )
  return (
    <div>
      <Act
        needs="externalEventSubscriptions.rotateWebhookSecret"
        label="Rotate the signing secret"
        run={() => permea.externalEventSubscriptions.rotateWebhookSecret({ params: { id: subscription.id }, body: {} })}
        unless={subscription.webhookUri === undefined ? 'Nothing is delivered, so nothing is signed' : null}
        onDone={(after) => setSecret(after.webhookSecret ?? null)}
      />
    </div>
  )
}

function Calls({ subscription }: { subscription: Subscription }) {
  const { data } = useQuery({
    queryKey: ['function-calls', subscription.id, subscription.updatedAt],
    queryFn: () => permea.functions.list({ query: { sourceId: subscription.id, limit: 30 } }),
  })
  if (data?.items.length === 0)
    return (
      <Empty icon={IconWebhook} title="No function was called on its behalf">
        Calls of subscribe, refresh and unsubscribe appear here; those of handle with their incoming webhook.
      </Empty>
    )
  return (
    <ul className="plain-list">
      {data?.items.map((call) => (
        <li key={call.id}>
          <span>
            <strong>{call.slot}</strong>{' '}
            <span className="dim">
              <Moment at={call.createdAt} /> · {duration(call.durationMs)}
            </span>
            {call.error !== undefined && <div className="exchange-error">{call.error.message}</div>}
          </span>
          <Status of={call.outcome === 'returned' ? 'success' : 'failed'} label={call.outcome} />
        </li>
      ))}
    </ul>
  )
}
