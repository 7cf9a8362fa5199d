import { Skeleton } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { permea } from '../../api.ts'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { IdLink } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'

const SHOWN = 5
/** Counted no further: who has more is not counted by hand. */
const COUNTED_MAX = 100

/** What a customer has, what came last, and what failed. */
export function CustomerLatest({ userId }: { userId: string }) {
  const query = { userId, limit: SHOWN }
  const [events, failed, connections, flows, endpoints] = useQueries({
    queries: [
      { queryKey: ['customer', userId, 'events'], queryFn: () => permea.appEvents.list({ query }) },
      {
        queryKey: ['customer', userId, 'failed'],
        queryFn: () => permea.flowRuns.list({ query: { ...query, state: 'failed' } }),
      },
      {
        queryKey: ['customer', userId, 'connections'],
        queryFn: () => permea.connections.list({ query: { userId, limit: COUNTED_MAX } }),
      },
      {
        queryKey: ['customer', userId, 'flows'],
        queryFn: () => permea.flowInstances.list({ query: { userId, limit: COUNTED_MAX } }),
      },
      {
        queryKey: ['customer', userId, 'endpoints'],
        queryFn: () => permea.notificationEndpoints.list({ query: { tenantId: userId, limit: COUNTED_MAX } }),
      },
    ],
  })
  const error = [events, failed, connections, flows, endpoints].find((each) => each.error !== null)?.error
  if (error !== undefined && error !== null) return <Failure error={error} />
  if (!events.data || !failed.data || !connections.data || !flows.data || !endpoints.data)
    return <Skeleton height={160} />
  const lost = connections.data.items.filter((each) => each.disconnected).length
  const off = flows.data.items.filter((each) => !each.enabled).length
  return (
    <>
      <Facts
        of={{
          Connections: `${countOf(connections.data)}${lost > 0 ? `, ${lost} without access` : ''}`,
          Flows: `${countOf(flows.data)}${off > 0 ? `, ${off} of them disabled` : ''}`,
          'Own webhooks': countOf(endpoints.data),
        }}
      />
      <Latest title="Last events" none="No event of this customer came in yet.">
        {events.data.items.map((each) => (
          <li key={each.id}>
            <IdLink id={each.id}>{each.appEventType?.name ?? each.name ?? each.id}</IdLink>{' '}
            <span className="dim">
              <Moment at={each.createdAt} />
            </span>
          </li>
        ))}
      </Latest>
      <Latest title="Last failed runs" none="No run failed as far as the engine looked.">
        {failed.data.items.map((each) => (
          <li key={each.id}>
            <Status of={each.state} /> <IdLink id={each.id}>{each.name ?? each.id}</IdLink>{' '}
            <span className="dim">
              <Moment at={each.startTime} /> {each.errors?.[0]?.message}
            </span>
          </li>
        ))}
      </Latest>
    </>
  )
}

const countOf = ({ items, cursor }: { items: readonly unknown[]; cursor?: string | undefined }) =>
  cursor === undefined ? String(items.length) : `more than ${items.length}`

function Latest({ title, none, children }: { title: string; none: string; children: ReactNode[] }) {
  return (
    <section aria-label={title}>
      <h3 className="section-title">{title}</h3>
      {children.length === 0 ? <p className="dim">{none}</p> : <ul className="plain-list">{children}</ul>}
    </section>
  )
}
