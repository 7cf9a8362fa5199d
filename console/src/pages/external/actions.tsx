import { Alert, Select } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { IconPlayerTrackNext } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ItemOf, permea, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { useTried } from '../../forms/drafts.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { IdLink, To } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices, integrationChoices } from '../choices.ts'

type Action = ItemOf<typeof permea.actions.list>

const PATH = 'actions'

const TYPES: Record<Action['type'], string> = {
  'api-request-to-external-app': 'Request to the external app',
  'api-request-to-your-app': 'Request to your app',
  'http-request': 'HTTP request',
  'run-javascript': 'JavaScript',
  'connector-operation': 'Operation of the connector',
  'list-data-records': 'List records',
  'search-data-record': 'Search records',
  'find-data-record-by-id': 'Find a record by id',
  'match-data-record': 'Match a record',
  'create-data-record': 'Create a record',
  'update-data-record': 'Change a record',
  'delete-data-record': 'Delete a record',
  'find-or-create-data-record': 'Find or create a record',
}

const stateOf = (each: Action) => (each.archivedAt === undefined ? (each.state ?? 'active') : 'archived')

const columns: readonly Column<Action>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (each) => <code>{each.key}</code> },
  { title: 'Does', width: '190px', from: 640, cell: (each) => TYPES[each.type] },
  {
    title: 'For',
    width: '130px',
    from: 760,
    cell: (each) => (each.layer === 'universal' ? 'every integration' : (each.integration?.name ?? each.layer)),
  },
  { title: 'State', width: '150px', from: 520, cell: (each) => <Status of={stateOf(each)} /> },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'integrationId', label: 'Integration', lookUp: integrationChoices },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Create a task' },
  { name: 'key', label: 'Key', kind: 'text', about: 'What your application runs it by; made from the name.' },
  { name: 'description', label: 'Description', kind: 'long' },
  {
    name: 'type',
    label: 'What it does',
    kind: 'choice',
    required: true,
    choices: Object.entries(TYPES).map(([value, label]) => ({ value, label })),
  },
  {
    name: 'integrationId',
    label: 'Only for the integration',
    kind: 'lookup',
    lookUp: integrationChoices,
    fixed: 'An action stays with its integration; make a copy for another one.',
  },
  {
    name: 'config',
    label: 'Configuration',
    kind: 'json',
    section: 'How it does it',
    about: 'A request with formulas over $.input, the code of a function, or an operation with its input.',
    placeholder:
      '{\n  "request": {\n    "method": "POST",\n    "path": "/tasks",\n    "body": { "title": { "$var": "$.input.title" } }\n  }\n}',
  },
  { name: 'inputSchema', label: 'Schema of the input', kind: 'json', about: 'Enforced on what it is run with.' },
  {
    name: 'outputMapping',
    label: 'Output mapping',
    kind: 'json',
    about: 'Formulas over $.output; empty for the output as it is.',
  },
]

export function Page() {
  return (
    <ListPage<Action>
      title="Actions"
      about="What your application, or a flow, can have done at an external app."
      path={PATH}
      kind="action"
      fetchPage={pagesOf(permea.actions.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="actions.create" path={PATH} label="New action" />}
      empty={
        <Empty
          icon={IconPlayerTrackNext}
          title="No actions yet"
          action={<NewButton needs="actions.create" path={PATH} label="New action" />}
        >
          An action is one thing to be done: a request, an operation, a small function. It can be run on any connection.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconPlayerTrackNext} title="No action fits these filters">
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
      needs="actions.create"
      title="New action"
      path={PATH}
      fields={fields}
      create={(body) => permea.actions.create({ body })}
    />
  )
}

function Existing() {
  const navigate = useNavigate()
  return (
    <RecordDrawer<Action>
      noun="action"
      path={PATH}
      kind="action"
      apiPath="/actions"
      fetchOne={(id, signal) => permea.actions.get({ params: { selector: id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => (
        <>
          <Act
            needs="actions.clone"
            label="Copy"
            run={() => permea.actions.clone({ params: { selector: each.id } })}
            said="Copied"
            onDone={(copy) => void navigate({ to: `/${PATH}/${copy.id}`, search: {} })}
          />
          <ArchiveAct
            needs="actions.archive"
            name={each.name}
            isArchived={each.archivedAt !== undefined}
            text="It cannot be run any more, by flows neither."
            archive={() => permea.actions.archive({ params: { selector: each.id } })}
            restore={() => permea.actions.restore({ params: { selector: each.id } })}
          />
        </>
      )}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About action={each} /> },
        { key: 'run', title: 'Run now', show: (each) => <RunNow action={each} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="actions.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.actions.patch({ params: { selector: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function About({ action }: { action: Action }) {
  return (
    <div className="stack">
      {[...(action.errors ?? []), ...(action.incomplete ?? [])].map((error) => (
        <ErrorCard key={`${error.key} ${error.message}`} error={error} />
      ))}
      <Facts
        of={{
          Key: <Copyable text={action.key} what="key" />,
          Description: action.description,
          Does: TYPES[action.type],
          Integration: action.integrationId && (
            <IdLink id={action.integrationId}>{action.integration?.name ?? action.integrationId}</IdLink>
          ),
          Connection: action.connectionId && <IdLink id={action.connectionId} />,
          Follows: action.parentId && <IdLink id={action.parentId} />,
          Changed: <Moment at={action.updatedAt} isExact />,
          'Leads to': (
            <To path="/action-runs" search={{ actionId: action.id }}>
              its runs
            </To>
          ),
        }}
      />
      <Json value={action.config ?? {}} label="configuration" title="Configuration" />
      {action.inputSchema !== undefined && (
        <Json value={action.inputSchema} label="schema of the input" title="Input" />
      )}
    </div>
  )
}

function RunNow({ action }: { action: Action }) {
  const [text, setText] = useTried(`${action.id}/run`, () => '{}')
  const [connectionId, setConnectionId] = useState<string | null>(action.connectionId ?? null)
  const connections = useQuery({ queryKey: ['choices', 'connectionId'], queryFn: connectionChoices, staleTime: 30_000 })
  const running = useMutation({
    mutationFn: async () =>
      permea.actions.run({
        params: { selector: action.id },
        query: connectionId === null ? {} : { connectionId },
        body: { input: parseExactJson(text) as unknown },
      }),
  })
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        running.mutate()
      }}
    >
      <Select
        label="On the connection"
        searchable
        clearable
        data={[...(connections.data ?? [])]}
        value={connectionId}
        onChange={setConnectionId}
      />
      <CodeField
        label="Input"
        language="json"
        value={text}
        onChange={setText}
        description="What it does is done for real."
      />
      <div>
        <MayButton
          needs="actions.run"
          type="submit"
          loading={running.isPending}
          disabled={action.archivedAt !== undefined}
        >
          Run
        </MayButton>
      </div>
      {running.error !== null && (
        <Alert role="alert" color="red" variant="outline" styles={{ message: { color: 'var(--bad)' } }}>
          {wordsOf(running.error)}
        </Alert>
      )}
      {running.data !== undefined && <Json value={running.data} label="what it came to" title="What it came to" />}
    </form>
  )
}
