import { IconPuzzle } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { permea } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { To } from '../../parts/links.tsx'
import { Logo } from '../../parts/logo.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { PartForms } from './connector-part-forms.tsx'
import { type Connector, PART_KINDS } from './connector-parts.ts'
import { STARTS } from './connector-starts.ts'

const PATH = 'connectors'

const columns: readonly Column<Connector>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (each) => <Logo uri={each.logoUri} name={each.name} /> },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.key}</code> },
  { title: 'Whose', width: '110px', from: 520, cell: (each) => (each.isPublic ? 'ready-made' : 'yours') },
  { title: 'Events', width: '80px', from: 640, cell: (each) => each.eventsCount },
  { title: 'Operations', width: '90px', from: 720, cell: (each) => each.operationsCount },
  { title: 'Categories', width: 'minmax(100px, 1fr)', from: 880, cell: (each) => each.categories.join(', ') || '–' },
]

const filters: readonly Filter[] = [{ kind: 'search', name: 'search', label: 'Search' }, ARCHIVED]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true },
  { name: 'key', label: 'Key', kind: 'text', about: 'Made from the name where none is given.' },
  { name: 'description', label: 'Description', kind: 'long' },
  { name: 'logoUri', label: 'Logo', kind: 'text', placeholder: 'https://…' },
]

const clientFields: readonly Field[] = [
  {
    name: 'parametersSchema',
    label: 'What an integration gives',
    kind: 'json',
    about: 'A JSON Schema of an object: what an operator gives once, whatever the way to connect.',
    placeholder:
      '{\n  "type": "object",\n  "properties": { "webhookSecret": { "type": "string", "title": "Webhook secret" } }\n}',
  },
  {
    name: 'makeApiClient',
    label: 'makeApiClient',
    kind: 'function',
    section: 'For ways to connect that have none of their own',
    about: 'Where requests go, and what each carries.',
    start: STARTS.makeApiClient ?? '',
  },
  {
    name: 'test',
    label: 'test',
    kind: 'function',
    section: 'For ways to connect that have none of their own',
    about: 'True where the connection works.',
    start: STARTS.test ?? '',
  },
  {
    name: 'disconnect',
    label: 'disconnect',
    kind: 'function',
    section: 'For ways to connect that have none of their own',
    about: 'Gives the credentials up at the app.',
    start: STARTS.disconnect ?? '',
  },
  {
    name: 'responseHandlers',
    label: 'What answers mean',
    kind: 'json',
    section: 'What the app says',
    about: 'A list: the first whose match is true counts. Formulas see response and request.',
    placeholder:
      '[\n  {\n    "match": { "$eval": { "$var": "$.response.statusCode" }, "is": 429 },\n    "error": { "key": "rate_limit_exceeded", "message": "The app wants fewer requests" }\n  }\n]',
  },
]

export function Page() {
  return (
    <ListPage<Connector>
      title="Connectors"
      about="What the engine knows of external apps: how to connect, what happens there, what can be done there."
      path={PATH}
      kind="connector"
      fetchPage={pagesOf(permea.connectors.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="connectors.create" path={PATH} label="New connector" />}
      empty={
        <Empty
          icon={IconPuzzle}
          title="No connectors"
          action={<NewButton needs="connectors.create" path={PATH} label="New connector" />}
        >
          Describe an app by data and small functions, and offer it as an integration.
        </Empty>
      }
      emptyFiltered={
        <Empty
          icon={IconPuzzle}
          title="No connector fits"
          action={<NewButton needs="connectors.create" path={PATH} label="New connector" />}
        >
          An app that is not among the ready-made ones can be described in a connector of your own.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

function New() {
  return (
    <NewElement
      needs="connectors.create"
      title="New connector"
      path={PATH}
      fields={fields}
      create={(body) => permea.connectors.create({ body })}
    />
  )
}

function Existing() {
  const navigate = useNavigate()
  return (
    <RecordDrawer<Connector>
      noun="connector"
      path={PATH}
      kind="connector"
      apiPath="/connectors"
      size={1080}
      fetchOne={(id, signal) => permea.connectors.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => <Logo uri={each.logoUri} name={each.name} />}
      statusOf={(each) => (
        <Status
          of={each.archivedAt === undefined ? 'active' : 'archived'}
          label={each.isPublic ? 'ready-made' : 'yours'}
        />
      )}
      actions={(each) => (
        <>
          <Act
            needs="connectors.clone"
            label="Copy to change it"
            run={() => permea.connectors.clone({ params: { selector: each.id } })}
            said="Copied"
            onDone={(copy) => void navigate({ to: `/${PATH}/${copy.id}`, search: {} })}
          />
          {!each.isReadOnly && (
            <ArchiveAct
              needs="connectors.archive"
              name={each.name}
              isArchived={each.archivedAt !== undefined}
              text="Integrations that use it keep working; new ones cannot choose it."
              archive={() => permea.connectors.archive({ params: { selector: each.id } })}
              restore={() => permea.connectors.restore({ params: { selector: each.id } })}
            />
          )}
        </>
      )}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About connector={each} /> },
        ...PART_KINDS.map((kind) => ({
          key: kind.name,
          title: kind.title,
          show: (each: Connector) =>
            each.isReadOnly ? (
              <ReadOnly value={each[kind.name]} what={kind.title} />
            ) : (
              <PartForms connector={each} kind={kind} />
            ),
        })),
        { key: 'client', title: 'Client', show: (each) => <Form of={each} fields={clientFields} draft="client" /> },
        { key: 'edit', title: 'Edit', show: (each) => <Form of={each} fields={fields} /> },
      ]}
    />
  )
}

/** What of the connector itself can be edited; its parts have forms of their own. */
function Form({ of, fields: shown, draft }: { of: Connector; fields: readonly Field[]; draft?: string }) {
  if (of.isReadOnly)
    return (
      <Empty icon={IconPuzzle} title="It is ready-made">
        Nobody changes it. Copy it, and change the copy.
      </Empty>
    )
  return (
    <ElementForm
      needs="connectors.patch"
      draft={[PATH, of.id, ...(draft === undefined ? [] : [draft])].join('/')}
      fields={shown}
      of={of}
      isNew={false}
      save={(body) => permea.connectors.patch({ params: { selector: of.id }, body })}
    />
  )
}

function ReadOnly({ value, what }: { value: object | undefined; what: string }) {
  if (value === undefined || Object.keys(value).length === 0) return <p className="dim">It has none.</p>
  return <Json value={value} label={what.toLowerCase()} title={what} maxHeight={4000} />
}

function About({ connector }: { connector: Connector }) {
  return (
    <div className="stack">
      <Facts
        of={{
          Key: <Copyable text={connector.key} what="key" />,
          Description: connector.description,
          'Base address': connector.baseUri,
          'Ways to connect': Object.entries(connector.options ?? {})
            .map(([key, option]) => option.title ?? key)
            .join(', '),
          Events: Object.keys(connector.events ?? {}).join(', ') || 'none',
          Operations: Object.keys(connector.operations ?? {}).join(', ') || 'none',
          'Leads to': (
            <To path="/integrations" search={{ connectorId: connector.id }}>
              its integrations
            </To>
          ),
        }}
      />
    </div>
  )
}
