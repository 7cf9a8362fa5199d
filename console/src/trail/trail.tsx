import { type AnswerOf, type ItemOf, permea } from '../api.ts'
import { Branch, Read, type Stop, state } from './branch.tsx'
import { stopOfLaunchingNothing } from './launched-nothing.ts'

type AppEvent = AnswerOf<typeof permea.appEvents.get>
type ExternalEvent = AnswerOf<typeof permea.externalEvents.get>
type Run = ItemOf<typeof permea.flowRuns.list>
type Delivery = AnswerOf<typeof permea.deliveries.get>
type Attempt = Delivery['attempts'][number]

/** Of one step this many that followed are shown; lists have all. */
const SHOWN = 20
const ATTEMPTS_SHOWN = 5

/**
 * The way of an event as one tree: the request, the events, their runs, what was delivered, to the last attempt.
 *
 * @param of what the tree is asked from: a request, an event, or a run, by whose id it is found
 */
export function Trail({ of, here }: { of: string; here: string }) {
  const prefix = of.slice(0, of.indexOf('_'))
  return (
    <ul className="branches" aria-label="Way of the event">
      {prefix === 'iwh' && <Webhook id={of} here={here} />}
      {prefix === 'aev' && <AppEventBranch id={of} here={here} />}
      {prefix === 'eev' && <ExternalRoot id={of} here={here} />}
      {prefix === 'fr' && <RunRoot id={of} here={here} />}
    </ul>
  )
}

/** A run is shown beneath what launched it. */
function RunRoot({ id, here }: { id: string; here: string }) {
  return (
    <Read
      of={['run', id]}
      read={(signal) => permea.flowRuns.get({ params: { id } }, { signal })}
      show={(run) => {
        if (run.appEventId !== undefined) return <AppEventBranch id={run.appEventId} here={here} />
        if (run.externalEventId !== undefined) return <ExternalRoot id={run.externalEventId} here={here} />
        return <RunBranch run={run} here={here} />
      }}
    />
  )
}

function Webhook({ id, here }: { id: string; here: string }) {
  return (
    <Read
      of={['webhook', id]}
      read={(signal) => permea.incomingWebhooks.get({ params: { id } }, { signal })}
      show={(webhook) => {
        const { collectedEventIds, repeatedEventIds = [], error } = webhook
        const isNothing = collectedEventIds.length === 0
        const stop: Stop | null =
          error !== undefined
            ? { why: error.message, errorKey: error.key }
            : isNothing
              ? {
                  why:
                    repeatedEventIds.length > 0
                      ? 'The app told of these events before, so nothing followed from them now.'
                      : 'Its handle function made no event of it.',
                  ...(repeatedEventIds.length > 0
                    ? {}
                    : {
                        remedy: {
                          words: 'See the request, and try the handle function with it',
                          page: `/incoming-webhooks/${id}`,
                          search: { tab: 'request' },
                        },
                      }),
                }
              : null
        return (
          <Branch
            kind="Request"
            title={`${webhook.method} of ${webhook.name ?? 'an external app'}, answered ${webhook.responseStatus ?? '–'}`}
            path={`/incoming-webhooks/${id}`}
            status={state(webhook.status)}
            at={webhook.createdAt}
            isHere={here === id}
            stop={stop}
          >
            {collectedEventIds.slice(0, SHOWN).map((eventId) => (
              <ExternalEventBranch key={eventId} id={eventId} here={here} />
            ))}
          </Branch>
        )
      }}
    />
  )
}

/** Events that were looked for have no request. */
function ExternalRoot({ id, here }: { id: string; here: string }) {
  return (
    <Read
      of={['external-event', id]}
      read={(signal) => permea.externalEvents.get({ params: { id } }, { signal })}
      show={(event) =>
        event.incomingWebhookId === undefined ? (
          <ExternalEventBranch id={id} here={here} />
        ) : (
          <Webhook id={event.incomingWebhookId} here={here} />
        )
      }
    />
  )
}

function ExternalEventBranch({ id, here }: { id: string; here: string }) {
  const stopOf = (event: ExternalEvent): Stop | null => {
    if (event.error !== undefined) return { why: event.error.message, errorKey: event.error.key }
    if (event.deliveryId !== undefined || event.launchedFlowRuns.length > 0) return null
    return {
      why: 'No enabled flow waits for it, and its subscription has no destination.',
      remedy: {
        words: 'Give the subscription a destination, or enable a flow of the customer',
        page: `/external-event-subscriptions/${event.externalEventSubscriptionId}`,
      },
    }
  }
  return (
    <Read
      of={['external-event', id]}
      read={(signal) => permea.externalEvents.get({ params: { id } }, { signal })}
      show={(event) => (
        <Branch
          kind="Event"
          title={event.name ?? event.externalEventSubscription?.name ?? event.id}
          path={`/external-events/${id}`}
          at={event.createdAt}
          isHere={here === id}
          stop={stopOf(event)}
        >
          {event.deliveryId !== undefined && <DeliveryBranch id={event.deliveryId} here={here} />}
          {event.launchedFlowRuns.length > 0 && <Runs of={{ externalEventId: id }} here={here} />}
        </Branch>
      )}
    />
  )
}

function AppEventBranch({ id, here }: { id: string; here: string }) {
  return (
    <Read
      of={['app-event', id]}
      read={async (signal) => {
        const event = await permea.appEvents.get({ params: { id } }, { signal })
        return { event, stop: await stopOf(event, signal) }
      }}
      show={({ event, stop }) => (
        <Branch
          kind="Request"
          title={`POST to ${event.appEventSubscriptionId === undefined ? 'the webhook of the event type' : 'the webhook of the subscription'}`}
          path={
            event.appEventSubscriptionId === undefined
              ? `/app-event-types/${event.appEventTypeId}`
              : `/app-event-subscriptions/${event.appEventSubscriptionId}`
          }
          at={event.datetime}
        >
          <Branch
            kind="Event"
            title={event.appEventType?.name ?? event.name ?? event.id}
            path={`/app-events/${id}`}
            isHere={here === id}
            stop={stop}
          >
            {event.launchedFlowRuns.length > 0 && <Runs of={{ appEventId: id }} here={here} />}
          </Branch>
        </Branch>
      )}
    />
  )
}

async function stopOf(event: AppEvent, signal: AbortSignal): Promise<Stop | null> {
  if (event.launchedFlowRuns.length > 0) return null
  const { items } = await permea.flowInstances.list({ query: { userId: event.userId, limit: 100 } }, { signal })
  return stopOfLaunchingNothing(event, items)
}

function Runs({ of, here }: { of: { appEventId: string } | { externalEventId: string }; here: string }) {
  return (
    <Read
      of={['runs', of]}
      read={(signal) => permea.flowRuns.list({ query: { ...of, limit: SHOWN } }, { signal })}
      show={({ items }) => items.map((run) => <RunBranch key={run.id} run={run} here={here} />)}
    />
  )
}

function RunBranch({ run, here }: { run: Run; here: string }) {
  return (
    <Branch
      kind="Flow run"
      title={run.name ?? run.id}
      path={`/flow-runs/${run.id}`}
      status={state(run.state)}
      at={run.startTime}
      isHere={here === run.id}
      stop={stopOfRun(run)}
    >
      <Read
        of={['told', run.id]}
        read={(signal) =>
          permea.deliveries.list({ query: { sourceId: run.id, from: run.startTime, limit: SHOWN } }, { signal })
        }
        show={({ items }) => items.map(({ id }) => <DeliveryBranch key={id} id={id} here={here} />)}
      />
    </Branch>
  )
}

/** Where a run stopped, and why. */
function stopOfRun(run: Run): Stop | null {
  const [error] = run.errors ?? []
  if (error !== undefined) return { why: error.message, errorKey: error.key }
  if (run.state === 'queued') return { why: 'It waits for its turn: runs before it are at work.' }
  if (run.state === 'stopped') return { why: 'Somebody stopped it.' }
  if (run.state === 'running' && run.nextAttemptAt !== undefined)
    return { why: 'It waits: for another try, for a time, or for an event.' }
  const silent = Object.entries(run.nodes ?? {}).filter(
    ([, counts]) => (counts.runs ?? 0) > 0 && (counts.outputs ?? 0) === 0 && (counts.erroredRuns ?? 0) === 0,
  )
  if (run.state !== 'completed' || silent.length === 0) return null
  return {
    why: (
      <>
        Stopped by <em>{silent.map(([key]) => key).join(', ')}</em>: it handed nothing on, since its condition did not
        hold.
      </>
    ),
    remedy: { words: 'See the values that were compared', page: `/flow-runs/${run.id}` },
  }
}

function DeliveryBranch({ id, here }: { id: string; here: string }) {
  return (
    <Read
      of={['delivery', id]}
      read={(signal) => permea.deliveries.get({ params: { id } }, { signal })}
      show={(delivery) => (
        <Branch
          kind="Delivery"
          title={delivery.eventType}
          path={`/deliveries/${id}`}
          status={state(delivery.state)}
          at={delivery.createdAt}
          isHere={here === id}
          stop={stopOfDelivery(delivery)}
        >
          {delivery.attempts.slice(0, ATTEMPTS_SHOWN).map((attempt) => (
            <Branch
              key={attempt.id}
              kind={attempt.number === undefined ? 'Sent by hand' : `Attempt ${attempt.number}`}
              title={attempt.httpStatus === undefined ? attempt.outcome : `answered ${attempt.httpStatus}`}
              status={state(attempt.outcome)}
              at={attempt.createdAt}
            />
          ))}
        </Branch>
      )}
    />
  )
}

function stopOfDelivery({ state: of, attempts, lastError }: Delivery): Stop | null {
  const [last] = attempts
  if (of === 'succeeded') return null
  if (of === 'cancelled') return { why: 'It was cancelled: its destination is gone, or wants it no more.' }
  if (last === undefined) return { why: 'It waits for its turn, or its destination is paused.' }
  return { why: lastError ?? last.error ?? last.outcome, errorKey: keyOf(last) }
}

function keyOf({ errorClass, outcome }: Attempt): string {
  return errorClass ?? outcome
}
