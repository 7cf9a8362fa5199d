import { IconStackPop } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { eventTypeChoices } from '../choices.ts'

type Source = ItemOf<typeof permea.brokerSources.list>

const PATH = 'broker-sources'

const columns: readonly Column<Source>[] = [
  { title: 'Name', width: 'minmax(120px, 1fr)', cell: (each) => each.name },
  { title: 'State', width: '150px', cell: (each) => <Status of={each.state} /> },
  { title: 'Reads', width: 'minmax(160px, 1.6fr)', from: 720, cell: (each) => <code>{each.url}</code> },
  { title: 'Waiting', width: '90px', from: 560, cell: (each) => each.lag?.toLocaleString('en') ?? '–' },
  {
    title: 'Last message',
    width: '130px',
    from: 640,
    cell: (each) => (each.lastMessageAt === undefined ? 'none yet' : <Moment at={each.lastMessageAt} />),
  },
  { title: 'Last error', width: 'minmax(140px, 1.2fr)', from: 900, cell: (each) => each.error ?? '–' },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'appEventTypeId', label: 'Event type', lookUp: eventTypeChoices },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', placeholder: 'Orders' },
  { name: 'key', label: 'Key', kind: 'text', about: 'Made from the name where none is given.', placeholder: 'orders' },
  {
    name: 'appEventTypeId',
    label: 'Event type',
    kind: 'lookup',
    lookUp: eventTypeChoices,
    required: true,
    about: 'What its messages are events of. Schema, formulas and flows are those of the type.',
  },
  { name: 'url', label: 'Address', kind: 'source', required: true },
  {
    name: 'customerHeader',
    label: 'Header with the customer’s id',
    kind: 'text',
    section: 'Whose an event is, and which',
    about: 'Empty: the tenant id formula of the event type finds it in the message.',
    placeholder: 'x-customer',
  },
  {
    name: 'idHeader',
    label: 'Header with the id of a message',
    kind: 'text',
    about: 'What has the same id within a day is not stored again. Empty: webhook-id, else the broker’s own.',
    placeholder: 'webhook-id',
  },
  { name: 'description', label: 'Description', kind: 'long' },
]

export function Page() {
  return (
    <ListPage<Source>
      title="Broker Sources"
      about="Subjects, queues and topics that events of your application are read from."
      path={PATH}
      kind="broker-source"
      fetchPage={pagesOf(permea.brokerSources.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="brokerSources.create" path={PATH} label="New source" />}
      empty={
        <Empty
          icon={IconStackPop}
          title="Nothing is read from a broker"
          action={<NewButton needs="brokerSources.create" path={PATH} label="New source" />}
        >
          Where your events are in NATS, RabbitMQ or Kafka already, they can be read from there instead of being posted.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconStackPop} title="No source fits">
          Look for another part of the name or key, or show the archived ones.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="brokerSources.create"
      title="New source"
      path={PATH}
      fields={fields}
      create={(body) =>
        permea.brokerSources.create({
          body: { ...body, appEventTypeId: String(body.appEventTypeId), url: String(body.url) },
        })
      }
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<Source>
      noun="source"
      path={PATH}
      kind="broker-source"
      apiPath="/broker-sources"
      fetchOne={(id, signal) => permea.brokerSources.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={each.state} />}
      actions={(each) => <Actions source={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About source={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="brokerSources.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.brokerSources.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ source }: { source: Source }) {
  const params = { selector: source.id }
  const isArchived = source.archivedAt !== undefined && 'It is archived'
  return (
    <>
      {source.state === 'paused' ? (
        <Act
          needs="brokerSources.resume"
          label="Resume"
          variant="filled"
          run={() => permea.brokerSources.resume({ params })}
          said="Resumed, beginning with what the broker kept"
        />
      ) : (
        <Act
          needs="brokerSources.pause"
          label="Pause"
          run={() => permea.brokerSources.pause({ params })}
          unless={isArchived || null}
          said="Paused; the broker keeps what comes"
        />
      )}
      <Act
        needs="brokerSources.archive"
        label="Archive"
        run={() => permea.brokerSources.archive({ params })}
        unless={isArchived || null}
        said="Archived"
        confirm={{ title: `Archive “${source.name}”?`, text: 'Nothing more is read. What the broker has stays there.' }}
      />
    </>
  )
}

function About({ source }: { source: Source }) {
  return (
    <Facts
      of={{
        Key: source.key,
        Description: source.description,
        Reads: <code>{source.url}</code>,
        'User and password': source.hasLogin ? 'Kept, sealed' : 'None',
        'Last error':
          source.error === undefined ? undefined : (
            <>
              {source.error} (<Moment at={source.errorAt} />)
            </>
          ),
        'Connected since': source.connectedAt === undefined ? undefined : <Moment at={source.connectedAt} />,
        'Last message': source.lastMessageAt === undefined ? 'None yet' : <Moment at={source.lastMessageAt} />,
        'Waiting in the broker': source.lag?.toLocaleString('en'),
        'Events taken in': source.accepted.toLocaleString('en'),
        'Events refused': source.refused.toLocaleString('en'),
        'Whose an event is':
          source.customerHeader === undefined ? (
            'By the formula of the event type'
          ) : (
            <code>{source.customerHeader}</code>
          ),
        'Id of a message': source.idHeader === undefined ? undefined : <code>{source.idHeader}</code>,
        Changed: <Moment at={source.updatedAt} />,
        'Leads to': (
          <>
            <To path={`/app-event-types/${source.appEventTypeId}`}>its event type</To>
            {' · '}
            <To path="/app-events" search={{ appEventTypeId: source.appEventTypeId }}>
              events of that type
            </To>
            {' · '}
            <To path="/refused-requests" search={{ elementId: source.id }}>
              what was refused
            </To>
          </>
        ),
      }}
    />
  )
}
