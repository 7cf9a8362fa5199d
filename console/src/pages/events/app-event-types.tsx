import { IconTags } from '@tabler/icons-react'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { PAYLOAD_DAYS } from '../../forms/payload-days.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { SendEvent } from './send-event.tsx'

type AppEventType = ItemOf<typeof permea.appEventTypes.list>

const PATH = 'app-event-types'

const columns: readonly Column<AppEventType>[] = [
  { title: 'Name', width: 'minmax(140px, 1.2fr)', cell: (type) => type.name },
  { title: 'Key', width: 'minmax(120px, 1fr)', cell: (type) => <code>{type.key}</code> },
  {
    title: 'Whose event it is',
    width: '170px',
    from: 640,
    cell: (type) => (type.tenantIdFormula === undefined ? 'by the customer’s token' : 'by a formula'),
  },
  {
    title: 'Subscribe request',
    width: '140px',
    from: 820,
    cell: (type) => (type.subscribeRequest === undefined ? '–' : 'sent'),
  },
  {
    title: 'State',
    width: '100px',
    from: 560,
    cell: (type) => <Status of={type.archivedAt === undefined ? 'active' : 'archived'} />,
  },
]

const filters: readonly Filter[] = [{ kind: 'search', name: 'search', label: 'Search' }, ARCHIVED]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Order created' },
  {
    name: 'key',
    label: 'Key',
    kind: 'text',
    about: 'What flows call it by; made from the name where none is given.',
    placeholder: 'order.created',
  },
  { name: 'description', label: 'Description', kind: 'long' },
  {
    name: 'example',
    label: 'Example',
    kind: 'json',
    section: 'What an event looks like',
    about: 'One event as your application sends it. The schema can be derived from it.',
    placeholder: '{\n  "orderId": "1001",\n  "total": 42.5\n}',
  },
  { name: 'schema', label: 'JSON Schema', kind: 'json', about: 'Offers its fields where flows are built.' },
  { name: 'validateEvents', label: 'Refuse events that do not fit the schema', kind: 'switch' },
  PAYLOAD_DAYS,
  {
    name: 'tenantIdFormula',
    label: 'Tenant id formula',
    kind: 'json',
    section: 'Whose event it is',
    about: 'Where events come without the token of a customer: how to find your id of the customer in the event.',
    placeholder: '{ "$var": "$.customerId" }',
  },
  {
    name: 'subscribeRequest',
    label: 'Subscribe request',
    kind: 'json',
    section: 'Telling your application',
    about: 'Sent to your application when a flow of a customer begins to need these events.',
    placeholder:
      '{\n  "method": "POST",\n  "uri": "/webhooks/subscribe",\n  "body": { "url": { "$var": "$.webhookUri" } }\n}',
  },
  {
    name: 'unsubscribeRequest',
    label: 'Unsubscribe request',
    kind: 'json',
    about: 'Sent when no flow needs them any more.',
    placeholder:
      '{\n  "method": "POST",\n  "uri": "/webhooks/unsubscribe",\n  "body": { "url": { "$var": "$.webhookUri" } }\n}',
  },
]

export function Page() {
  return (
    <ListPage<AppEventType>
      title="App Event Types"
      about="The kinds of events that your application sends."
      path={PATH}
      kind="app-event-type"
      fetchPage={pagesOf(permea.appEventTypes.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="appEventTypes.create" path={PATH} label="New event type" />}
      empty={
        <Empty
          icon={IconTags}
          title="No event types yet"
          action={<NewButton needs="appEventTypes.create" path={PATH} label="New event type" />}
        >
          An event type gives your application an address to send events to, and flows something to wait for.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconTags} title="No event type fits">
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
      needs="appEventTypes.create"
      title="New event type"
      path={PATH}
      fields={fields}
      create={(body) => permea.appEventTypes.create({ body })}
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<AppEventType>
      noun="event type"
      path={PATH}
      kind="app-event-type"
      apiPath="/app-event-types"
      fetchOne={(id, signal) => permea.appEventTypes.get({ params: { selector: id } }, { signal })}
      titleOf={(type) => type.name}
      statusOf={(type) => (type.archivedAt === undefined ? null : <Status of="archived" />)}
      actions={(type) => <Actions type={type} />}
      tabs={[
        { key: 'about', title: 'About', show: (type) => <About type={type} /> },
        { key: 'test', title: 'Send a test event', show: (type) => <SendEvent type={type} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (type) => (
            <ElementForm
              needs="appEventTypes.patch"
              draft={`${PATH}/${type.id}`}
              fields={fields}
              of={type}
              isNew={false}
              save={(body) => permea.appEventTypes.patch({ params: { selector: type.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ type }: { type: AppEventType }) {
  const params = { selector: type.id }
  const isArchived = type.archivedAt !== undefined && 'It is archived; restore it first'
  return (
    <>
      <Act
        needs="appEventTypes.generateSchema"
        label="Derive schema from example"
        run={() => permea.appEventTypes.generateSchema({ params })}
        unless={
          isArchived || (type.example === undefined && 'There is no example to derive it from; add one under Edit')
        }
        said="The schema now follows from the example"
      />
      <Act
        needs="appEventTypes.rotateWebhookKey"
        label="Rotate webhook address"
        run={() => permea.appEventTypes.rotateWebhookKey({ params })}
        unless={isArchived}
        said="It has a new webhook address"
        confirm={{
          title: 'Give it a new webhook address?',
          text: 'The old address answers 404 from then on, so your application must be told of the new one.',
          button: 'Rotate',
        }}
      />
      {type.archivedAt === undefined ? (
        <Act
          needs="appEventTypes.archive"
          label="Archive"
          run={() => permea.appEventTypes.archive({ params })}
          said="Archived"
          confirm={{
            title: `Archive “${type.name}”?`,
            text: 'Its webhook addresses answer 410 and its subscriptions are unsubscribed. It can be restored.',
          }}
        />
      ) : (
        <Act
          needs="appEventTypes.restore"
          label="Restore"
          run={() => permea.appEventTypes.restore({ params })}
          said="Restored"
        />
      )}
    </>
  )
}

function About({ type }: { type: AppEventType }) {
  return (
    <div className="stack">
      <Facts
        of={{
          Key: <Copyable text={type.key} what="key" />,
          Description: type.description,
          'Webhook address': <Copyable text={type.globalWebhookUri} what="webhook address" />,
          'Whose event it is':
            type.tenantIdFormula === undefined ? (
              'That of the customer whose token comes with it'
            ) : (
              <>
                The token’s customer, else <code>{JSON.stringify(type.tenantIdFormula)}</code>
              </>
            ),
          'Checked against the schema': type.validateEvents === true ? 'Yes: what does not fit is refused' : 'No',
          Changed: <Moment at={type.updatedAt} />,
          'Leads to': (
            <>
              <To path="/app-events" search={{ appEventTypeId: type.id }}>
                its events
              </To>
              {' · '}
              <To path="/app-event-subscriptions" search={{ appEventTypeId: type.id }}>
                its subscriptions
              </To>
            </>
          ),
        }}
      />
      {type.schema !== undefined && <Json value={type.schema} label="JSON Schema" title="JSON Schema" />}
      {type.example !== undefined && <Json value={type.example} label="example" title="Example" />}
    </div>
  )
}
