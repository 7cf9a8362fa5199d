import { IconApps } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ItemOf, permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { NewButton } from '../../parts/go.tsx'
import { IdLink, To } from '../../parts/links.tsx'
import { Logo } from '../../parts/logo.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectorChoices } from '../choices.ts'
import { ConnectButton } from './connect-button.tsx'
import { SharedParameters, WaysOffered } from './parameters-field.tsx'

type Integration = ItemOf<typeof permea.integrations.list>

const PATH = 'integrations'

const stateOf = (each: Integration) => (each.archivedAt !== undefined ? 'archived' : (each.state ?? 'active'))

const columns: readonly Column<Integration>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (each) => <Logo uri={each.logoUri} name={each.name} /> },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.key}</code> },
  { title: 'State', width: '160px', from: 520, cell: (each) => <Status of={stateOf(each)} /> },
  {
    title: 'Ways to connect',
    width: '150px',
    from: 760,
    cell: (each) => each.authOptions?.map((way) => way.type).join(', ') || '–',
  },
  { title: 'Events', width: '80px', from: 640, cell: (each) => each.eventsCount ?? 0 },
  { title: 'Operations', width: '90px', from: 880, cell: (each) => each.operationsCount ?? 0 },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'connectorId', label: 'Connector', lookUp: connectorChoices },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Slack' },
  { name: 'key', label: 'Key', kind: 'text', about: 'What your application calls it by; made from the name.' },
  {
    name: 'connectorId',
    label: 'Connector',
    kind: 'lookup',
    lookUp: connectorChoices,
    about: 'What the engine knows of the app: how to connect, its events and operations.',
  },
  { name: 'description', label: 'Description', kind: 'long' },
  { name: 'logoUri', label: 'Logo', kind: 'text', placeholder: 'https://…' },
  {
    name: 'parameters',
    isSecret: true,
    label: 'What the connector needs',
    kind: 'own',
    section: 'What it takes to connect',
    show: (given) => <SharedParameters {...given} />,
  },
  {
    name: 'optionsConfig',
    isSecret: true,
    label: 'Ways to connect',
    kind: 'own',
    section: 'What it takes to connect',
    show: (given) => <WaysOffered {...given} />,
  },
  {
    name: 'oAuthCallbackUri',
    label: 'OAuth callback address',
    kind: 'text',
    section: 'What it takes to connect',
    about: 'Only where it is not the engine’s own.',
  },
]

export function Page() {
  return (
    <ListPage<Integration>
      title="Integrations"
      about="The external apps that you offer to your customers."
      path={PATH}
      kind="integration"
      fetchPage={pagesOf(permea.integrations.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="integrations.create" path={PATH} label="New integration" />}
      empty={
        <Empty
          icon={IconApps}
          title="No integrations yet"
          action={<NewButton needs="integrations.create" path={PATH} label="New integration" />}
        >
          Choose a connector, give what it needs, and customers can connect their accounts.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconApps} title="No integration fits these filters">
          Look for another part of the name or key.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="integrations.create"
      title="New integration"
      path={PATH}
      fields={fields}
      create={(body) => permea.integrations.create({ body })}
    />
  )
}

function Existing() {
  return (
    <RecordDrawer<Integration>
      noun="integration"
      path={PATH}
      kind="integration"
      apiPath="/integrations"
      fetchOne={(id, signal) => permea.integrations.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => <Logo uri={each.logoUri} name={each.name} />}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => (
        <>
          <ConnectButton integration={each} />
          <Act
            needs="integrations.setup"
            label="Check its setup"
            run={() => permea.integrations.setup({ params: { selector: each.id } })}
            said={(after) => `It is ${after.state ?? 'as it was'}`}
          />
          <ArchiveAct
            needs="integrations.archive"
            name={each.name}
            isArchived={each.archivedAt !== undefined}
            text="Customers cannot connect it any more."
            archive={() => permea.integrations.archive({ params: { selector: each.id } })}
            restore={() => permea.integrations.restore({ params: { selector: each.id } })}
          />
        </>
      )}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About integration={each} /> },
        { key: 'offers', title: 'What it offers', show: (each) => <Offers integration={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="integrations.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.integrations.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function About({ integration }: { integration: Integration }) {
  const search = { integrationId: integration.id }
  return (
    <div className="stack">
      {integration.hasMissingParameters === true && (
        <p className="lead">
          <Status of="warning" label="Parameters that the connector needs are missing: give them under Edit." />
        </p>
      )}
      <Facts
        of={{
          Key: <Copyable text={integration.key} what="key" />,
          Description: integration.description,
          Connector: <IdLink id={integration.connectorId} />,
          'Ways to connect': integration.authOptions?.map((way) => way.title ?? way.key).join(', '),
          'OAuth callback address': integration.oAuthCallbackUri && (
            <Copyable text={integration.oAuthCallbackUri} what="callback address" />
          ),
          Changed: <Moment at={integration.updatedAt} isExact />,
        }}
      />
      <nav className="trail" aria-label="What belongs to it">
        <To path="/connections" search={search}>
          Connections
        </To>
        <To path="/flows" search={search}>
          Flows
        </To>
        <To path="/external-events" search={search}>
          Events
        </To>
        <To path="/incoming-webhooks" search={search}>
          Incoming webhooks
        </To>
        <To path="/external-api-logs" search={search}>
          API requests
        </To>
      </nav>
    </div>
  )
}

function Offers({ integration }: { integration: Integration }) {
  const params = { selector: integration.id }
  const spec = useQuery({
    queryKey: ['integration', 'spec', integration.id, integration.revision],
    queryFn: () => permea.integrations.connectorSpec({ params }),
    enabled: integration.connectorId !== undefined,
  })
  const hooks = useQuery({
    queryKey: ['integration', 'hooks', integration.id, integration.revision],
    queryFn: () => permea.integrations.globalWebhooks({ params }),
    enabled: integration.hasGlobalWebhooks === true,
  })
  if (integration.connectorId === undefined)
    return (
      <Empty icon={IconApps} title="It has no connector">
        Choose one under Edit: events and operations come from it.
      </Empty>
    )
  if (spec.error !== null) return <Failure error={spec.error} />
  return (
    <div className="stack">
      {(hooks.data ?? []).map((hook) => (
        <div key={hook.key}>
          <div className="small-title">Global webhook: enter this address in the app’s own console</div>
          <strong>{hook.name}</strong> <Copyable text={hook.uri} what={`address of ${hook.name}`} />
        </div>
      ))}
      <Named title="Events" of={spec.data?.events} />
      <Named title="Operations" of={spec.data?.operations} />
    </div>
  )
}

function Named(props: {
  title: string
  of: { key: string; name: string; description?: string | undefined }[] | undefined
}) {
  if (props.of === undefined) return null
  return (
    <div>
      <h3 className="section-title">{props.title}</h3>
      {props.of.length === 0 && <p className="dim flat">None.</p>}
      <ul className="plain-list">
        {props.of.map((each) => (
          <li key={each.key}>
            <span>
              {each.name} <span className="dim">{each.description}</span>
            </span>
            <code>{each.key}</code>
          </li>
        ))}
      </ul>
    </div>
  )
}
