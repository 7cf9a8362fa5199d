import { IconShieldX } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Remedy } from '../../parts/remedy.tsx'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { customerChoices } from '../choices.ts'

type Refused = ItemOf<typeof permea.refusedRequests.list>

const PATH = 'refused-requests'
const KIND = 'refused-request'

/** Those that people look for; others are found by what was answered. */
const REASONS: Record<string, string> = {
  not_authenticated: 'No valid token',
  access_denied: 'Token may not',
  not_found: 'Unknown address',
  archived: 'Archived',
  invalid_input: 'Wrong input',
  malformed_body: 'Malformed body',
  event_not_an_object: 'Event is no object',
  event_invalid: 'Event breaks its schema',
  customer_unresolved: 'Event names no customer',
  customer_unknown: 'Unknown customer',
  customer_archived: 'Archived customer',
  payload_too_large: 'Too large',
  request_timeout: 'Too slow',
  rate_limit_exceeded: 'Too often',
  overloaded: 'Engine full',
}

const columns: readonly Column<Refused>[] = [
  {
    title: 'Reason',
    width: 'minmax(150px, 1fr)',
    cell: (each) => <Status of="rejected" label={REASONS[each.reason] ?? each.reason} />,
  },
  { title: 'Refused', width: '120px', cell: (each) => <Moment at={each.createdAt} /> },
  { title: 'Answer', width: 'minmax(160px, 2.4fr)', from: 480, cell: (each) => `${each.status}: ${each.message}` },
  {
    title: 'Customer',
    width: 'minmax(100px, 1fr)',
    from: 720,
    cell: (each) =>
      each.userId === undefined ? (each.claimedId ?? '–') : <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'Sender', width: '120px', from: 860, cell: (each) => <code>{each.address}</code> },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search answers, senders and what was sent', needs: 'payloads' },
  {
    kind: 'choice',
    name: 'reason',
    label: 'Reason',
    choices: Object.entries(REASONS).map(([value, label]) => ({ value, label })),
  },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Refused' },
  { kind: 'link', name: 'elementId', label: 'Sent to' },
]

export function Page() {
  return (
    <ListPage<Refused>
      title="Refused Requests"
      about="Requests and events that were not taken, and why. Of many alike only some are kept."
      path={PATH}
      kind={KIND}
      fetchPage={pagesOf(permea.refusedRequests.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconShieldX} title="Nothing was refused">
          What is sent with a bad token, to an unknown address, too fast or in the wrong shape appears here.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconShieldX} title="Nothing that was refused fits these filters">
          If an event did not arrive and is not here, it never reached the engine.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Refused>
      noun="refused request"
      path={PATH}
      kind={KIND}
      apiPath="/refused-requests"
      fetchOne={(id, signal) => permea.refusedRequests.get({ params: { id } }, { signal })}
      titleOf={(each) => REASONS[each.reason] ?? each.reason}
      statusOf={(each) => <Status of="rejected" label={String(each.status)} />}
      tabs={[{ key: 'about', title: 'About', show: (each) => <About refused={each} /> }]}
    />
  )
}

function About({ refused }: { refused: Refused }) {
  const { userId, claimedId, elementId, excerpt, notKept } = refused
  return (
    <div className="stack">
      <p className="exchange-error">{refused.message}</p>
      <Remedy of={refused.reason} />
      <Facts
        of={{
          Refused: <Moment at={refused.createdAt} isExact />,
          Request: (
            <code>
              {refused.method} {refused.path}
            </code>
          ),
          Answered: `${refused.status} ${refused.reason}`,
          Customer: userId && <CustomerLink customer={refused.user} id={userId} />,
          'Claims to be': claimedId,
          'Sent to': elementId && <IdLink id={elementId} />,
          Sender: <code>{refused.address}</code>,
          'Not kept before it': notKept > 0 ? `${notKept} more for this reason` : undefined,
        }}
      />
      {excerpt !== undefined && <Json value={excerpt} label="beginning of what was sent" title="What was sent" />}
    </div>
  )
}
