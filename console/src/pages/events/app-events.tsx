import { Button } from '@mantine/core'
import { IconBolt } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { CustomerLink, To } from '../../parts/links.tsx'
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
import { customerChoices, eventTypeChoices } from '../choices.ts'

type AppEvent = ItemOf<typeof permea.appEvents.list>

const columns: readonly Column<AppEvent>[] = [
  {
    title: 'Event',
    width: 'minmax(150px, 1.2fr)',
    cell: (event) => event.appEventType?.name ?? event.name ?? event.id,
  },
  { title: 'Received', width: '120px', cell: (event) => <Moment at={event.datetime} /> },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    from: 620,
    cell: (event) => <CustomerLink customer={event.user} id={event.userId} />,
  },
  { title: 'Flow runs', width: '150px', from: 480, cell: (event) => <Runs of={event} /> },
  { title: 'Payload', width: 'minmax(120px, 2fr)', from: 900, cell: (event) => <code>{previewOf(event.event)}</code> },
]

/** The runs an event launched, worst first, in a few words. */
function Runs({ of }: { of: AppEvent }) {
  const counts = Map.groupBy(of.launchedFlowRuns, (run) => run.state)
  const worst = ['failed', 'running', 'queued', 'stopped', 'completed'].find((state) => counts.has(state))
  if (worst === undefined) return <Status of="ignored" label="none" />
  const count = of.launchedFlowRuns.length
  return <Status of={worst} label={count === 1 ? worst : `${counts.get(worst)?.length} of ${count} ${worst}`} />
}

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search in payloads', needs: 'payloads' },
  { kind: 'lookup', name: 'appEventTypeId', label: 'Event type', lookUp: eventTypeChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Received' },
  { kind: 'link', name: 'appEventSubscriptionId', label: 'Subscription' },
]

const fetchPage = pagesOf(permea.appEvents.list)

export function Page() {
  return (
    <ListPage<AppEvent>
      title="App Events"
      about="What your application sent, and what it set off."
      path="app-events"
      kind="app-event-log-record"
      alsoFollows={['flow-run']}
      fetchPage={fetchPage}
      filters={filters}
      columns={columns}
      empty={
        <Empty
          icon={IconBolt}
          title="No event has come in yet"
          action={
            <Button component={Link} to="/app-event-types">
              Send a test event
            </Button>
          }
        >
          Post one to the webhook address of an event type, or to that of a customer’s subscription. What is refused is
          answered with the reason and not kept.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconBolt} title="No event fits these filters">
          An event that never arrived is not here: check in your application what the webhook address answered. Events
          leave after the retention time.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<AppEvent>
      noun="app event"
      path="app-events"
      kind="app-event-log-record"
      alsoFollows={['flow-run']}
      apiPath="/app-events"
      fetchOne={(id, signal) => permea.appEvents.get({ params: { id } }, { signal })}
      titleOf={(event) => event.appEventType?.name ?? 'App event'}
      actions={(event) => (
        <Act
          needs="appEvents.replay"
          label="Launch its flows again"
          run={() => permea.appEvents.replay({ params: { id: event.id } })}
          said={({ launchedFlowRunIds }) => `${launchedFlowRunIds.length} flow runs launched`}
          confirm={{
            title: 'Launch its flows again?',
            text: 'Every flow that wants this event now gets a new run, with the effects that has.',
            button: 'Launch',
          }}
        />
      )}
      tabs={[
        { key: 'event', title: 'Event', show: (event) => <EventTab event={event} /> },
        { key: 'trail', title: 'Way', show: (event) => <Trail of={event.id} here={event.id} /> },
        { key: 'runs', title: 'Flow runs', show: (event) => <RunsTab event={event} /> },
      ]}
    />
  )
}

function EventTab({ event }: { event: AppEvent }) {
  return (
    <div className="stack">
      <Facts
        of={{
          Received: <Moment at={event.datetime} isExact />,
          Type: (
            <To path={`/app-event-types/${event.appEventTypeId}`}>
              {event.appEventType?.name ?? event.appEventTypeId}
            </To>
          ),
          Customer: <CustomerLink customer={event.user} id={event.userId} />,
          'Came in at':
            event.appEventSubscriptionId === undefined ? (
              'the webhook of its event type'
            ) : (
              <To path={`/app-event-subscriptions/${event.appEventSubscriptionId}`}>
                the subscription of the customer
              </To>
            ),
          Webhook: (
            <Copyable
              text={event.appEventSubscription?.webhookUri ?? event.appEventType?.globalWebhookUri}
              what="webhook address"
            />
          ),
          'Flow runs': <Runs of={event} />,
        }}
      />
      <Payload value={event.event} cutAt={event.payloadCutAt} label="payload" title="Payload" />
    </div>
  )
}

function RunsTab({ event }: { event: AppEvent }) {
  if (event.launchedFlowRuns.length === 0)
    return (
      <Empty icon={IconBolt} title="It launched nothing">
        No enabled flow of this customer waits for events of this type.{' '}
        <To path="/flow-instances" search={{ userId: event.userId }}>
          See the customer’s flows
        </To>
      </Empty>
    )
  return (
    <ul className="plain-list">
      {event.launchedFlowRuns.map((run) => (
        <li key={run.id}>
          <To path={`/flow-runs/${run.id}`}>
            <code>{run.id}</code>
          </To>
          <Status of={run.state} />
        </li>
      ))}
    </ul>
  )
}
