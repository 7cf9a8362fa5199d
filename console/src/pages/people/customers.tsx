import { Button, CopyButton } from '@mantine/core'
import { IconCheck, IconKey, IconUsers } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { type ItemOf, permea, session } from '../../api.ts'
import { API_URL } from '../../base.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { To } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { CustomerLatest } from './customer-latest.tsx'
import { EraseButton } from './erase-button.tsx'

type Customer = ItemOf<typeof permea.customers.list>

const PATH = 'customers'
const DAY_SECONDS = 86_400

const columns: readonly Column<Customer>[] = [
  { title: 'Name', width: 'minmax(130px, 1.3fr)', cell: (each) => each.name },
  { title: 'Your id', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.internalId}</code> },
  { title: 'Last active', width: '120px', from: 480, cell: (each) => <Moment at={each.lastActiveAt} /> },
  { title: 'Created', width: '120px', from: 720, cell: (each) => <Moment at={each.createdAt} /> },
  {
    title: 'State',
    width: '110px',
    from: 600,
    cell: (each) =>
      each.archivedAt !== undefined ? (
        <Status of="archived" />
      ) : (
        <Status
          of={each.isActive === true ? 'active' : 'disabled'}
          label={each.isActive === true ? 'active' : 'quiet'}
        />
      ),
  },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search by name or id' },
  {
    kind: 'choice',
    name: 'isTest',
    label: 'Test customers',
    choices: [
      { value: 'true', label: 'Only for tests' },
      { value: 'false', label: 'Without those for tests' },
    ],
  },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true },
  {
    name: 'internalId',
    label: 'Your id',
    kind: 'text',
    required: true,
    about: 'What your application calls the customer; the `id` in its tokens.',
  },
  {
    name: 'fields',
    label: 'Fields',
    kind: 'json',
    about: 'What formulas see as $.user.fields. Tokens refresh them.',
    placeholder: '{ "plan": "pro" }',
  },
  { name: 'isTest', label: 'For tests', kind: 'switch' },
]

export function Page() {
  return (
    <ListPage<Customer>
      title="Customers"
      about="The tenants of your application, each with their own flows, connections and events."
      path={PATH}
      kind="customer"
      fetchPage={pagesOf(permea.customers.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="customers.create" path={PATH} label="New customer" />}
      empty={
        <Empty
          icon={IconUsers}
          title="No customers yet"
          action={<NewButton needs="customers.create" path={PATH} label="New customer" />}
        >
          A customer is there from the first time that a token with its id is used, or once you create it here.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconUsers} title="No customer fits">
          Nobody with this name or id has used a token here, and nobody created one.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="customers.create"
      title="New customer"
      path={PATH}
      fields={fields}
      create={(body) => permea.customers.create({ body })}
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<Customer>
      noun="customer"
      path={PATH}
      kind="customer"
      apiPath="/customers"
      fetchOne={(id, signal) => permea.customers.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => (each.archivedAt === undefined ? null : <Status of="archived" />)}
      actions={(each) => <Actions customer={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About customer={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="customers.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.customers.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ customer }: { customer: Customer }) {
  const params = { selector: customer.id }
  return (
    <>
      <TokenButton customer={customer} />
      {customer.archivedAt === undefined ? (
        <Act
          needs="customers.archive"
          label="Archive"
          run={() => permea.customers.archive({ params })}
          said="Archived"
          confirm={{
            title: `Archive ${customer.name}?`,
            text: 'Its flows stop, its subscriptions are unsubscribed and its tokens are refused. It can be restored.',
          }}
        />
      ) : (
        <Act
          needs="customers.restore"
          label="Restore"
          run={() => permea.customers.restore({ params })}
          said="Restored"
        />
      )}
      <EraseButton customer={customer} />
    </>
  )
}

/** Makes a token of the customer and copies it: it is shown to nobody's shoulder. */
function TokenButton({ customer }: { customer: Customer }) {
  const making = useMutation({
    mutationFn: () =>
      permea.workspaces.createAccessToken({
        params: { id: session().workspace.key },
        body: { tenantKey: customer.internalId, expiresInSeconds: DAY_SECONDS },
      }),
  })
  if (making.data === undefined)
    return (
      <MayButton
        needs="workspaces.createAccessToken"
        size="xs"
        variant="default"
        leftSection={<IconKey size={14} />}
        loading={making.isPending}
        onClick={() => making.mutate()}
      >
        Make a token for a day
      </MayButton>
    )
  return (
    <>
      <CopyButton value={making.data.token} timeout={2000}>
        {({ copied, copy }) => (
          <Button size="xs" onClick={copy} leftSection={copied ? <IconCheck size={14} /> : <IconKey size={14} />}>
            {copied ? 'Copied' : 'Copy the token'}
          </Button>
        )}
      </CopyButton>
      <Button
        size="xs"
        variant="default"
        component="a"
        href={`${API_URL}/portal#token=${making.data.token}`}
        target="_blank"
        rel="noopener noreferrer"
      >
        See the customer’s page
      </Button>
    </>
  )
}

function About({ customer }: { customer: Customer }) {
  const search = { userId: customer.id }
  return (
    <div className="stack">
      <Facts
        of={{
          'Your id': <Copyable text={customer.internalId} what="your id" />,
          'Last active': <Moment at={customer.lastActiveAt} />,
          Created: <Moment at={customer.createdAt} isExact />,
          'For tests': customer.isTest === true ? 'yes' : undefined,
        }}
      />
      <nav className="trail" aria-label="What is this customer’s">
        <To path="/app-events" search={search}>
          App events
        </To>
        <To path="/app-event-subscriptions" search={search}>
          Subscriptions
        </To>
        <To path="/flow-instances" search={search}>
          Flows
        </To>
        <To path="/flow-runs" search={search}>
          Flow runs
        </To>
        <To path="/flow-runs" search={{ ...search, state: 'failed' }}>
          Failed runs
        </To>
        <To path="/connections" search={search}>
          Connections
        </To>
      </nav>
      <CustomerLatest userId={customer.id} />
      {customer.fields !== undefined && Object.keys(customer.fields).length > 0 && (
        <Json value={customer.fields} label="fields" title="Fields" />
      )}
    </div>
  )
}
