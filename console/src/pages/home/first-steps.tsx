import { useQuery } from '@tanstack/react-query'
import { permea } from '../../api.ts'
import { API_URL } from '../../base.ts'
import { Card } from '../../parts/facts.tsx'
import { To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'

const FEW = 5

/** For as long as there is little here: what there is to see, and what to try next. */
export function FirstSteps() {
  const { data } = useQuery({
    queryKey: ['app-event-log-record', 'first'],
    queryFn: () => permea.appEvents.list({ query: { limit: FEW } }),
  })
  const types = useQuery({
    queryKey: ['app-event-type', 'first'],
    queryFn: () => permea.appEventTypes.list({ query: { limit: 1 } }),
  })
  const [type] = types.data?.items ?? []
  const [event] = data?.items ?? []
  if (data === undefined || data.items.length >= FEW) return null
  return (
    <Card title="What to try next">
      {event !== undefined && (
        <p className="flat">
          <To path={`/app-events/${event.id}`}>{event.appEventType?.name ?? 'An event'}</To> came in{' '}
          <Moment at={event.datetime} />
          {event.launchedFlowRuns.map((run) => (
            <span key={run.id}>
              {' '}
              and launched <To path={`/flow-runs/${run.id}`}>a flow run</To> <Status of={run.state} />
            </span>
          ))}
        </p>
      )}
      <ol className="steps">
        {type !== undefined ? (
          <li>
            <To path={`/app-event-types/${type.id}`} search={{ tab: 'test' }}>
              Send a test event
            </To>{' '}
            of type “{type.name}” and see what it sets off.
          </li>
        ) : (
          <li>
            <To path="/app-event-types/new">Make an event type</To>: a kind of event that your application sends.
          </li>
        )}
        <li>
          <To path="/flows">Open a flow</To>, change what it does, and bring customers to the newest nodes.
        </li>
        <li>
          <To path="/webhook-notifications/new">Have your backend told</To> when a run fails or an alert opens.
        </li>
        <li>
          <To path="/keys">Make a token</To> and use <a href={`${API_URL}/docs`}>the API</a> from your application.
        </li>
      </ol>
    </Card>
  )
}
