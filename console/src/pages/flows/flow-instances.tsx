import { Alert } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { IconPlugConnected } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { useTried } from '../../forms/drafts.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Json } from '../../parts/json.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { customerChoices, flowChoices } from '../choices.ts'
import { FlowEditor } from './flow-editor.tsx'

type Instance = ItemOf<typeof permea.flowInstances.list>

const PATH = 'flow-instances'

function stateOf(instance: Instance): string {
  if (instance.archivedAt !== undefined) return 'archived'
  if (instance.state !== undefined && instance.state !== 'READY') return instance.state
  return instance.enabled ? 'enabled' : 'disabled'
}

const columns: readonly Column<Instance>[] = [
  { title: 'Flow', width: 'minmax(140px, 1.3fr)', cell: (each) => each.name },
  {
    title: 'Customer',
    width: 'minmax(110px, 1fr)',
    cell: (each) => <CustomerLink customer={each.user} id={each.userId} />,
  },
  { title: 'State', width: '170px', from: 480, cell: (each) => <Status of={stateOf(each)} /> },
  {
    title: 'Nodes',
    width: '130px',
    from: 760,
    cell: (each) =>
      each.outdated ? (
        <Status of="outdated" label="not the newest" />
      ) : each.isCustomized ? (
        'customised'
      ) : (
        'as the flow’s'
      ),
  },
  { title: 'Changed', width: '120px', from: 640, cell: (each) => <Moment at={each.updatedAt} /> },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  { kind: 'lookup', name: 'flowId', label: 'Flow', lookUp: flowChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  {
    kind: 'choice',
    name: 'enabled',
    label: 'Enabled',
    choices: [
      { value: 'true', label: 'Enabled' },
      { value: 'false', label: 'Disabled' },
    ],
  },
  { kind: 'link', name: 'connectionId', label: 'Connection' },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true },
  { name: 'parameters', label: 'Parameters', kind: 'json', about: 'Formulas see them as $.flowInstance.parameters.' },
  { name: 'ordered', label: 'Strictly one run after the other', kind: 'switch' },
  { name: 'concurrency', label: 'Runs at the same time', kind: 'number', placeholder: '32' },
]

export function Page() {
  return (
    <ListPage<Instance>
      title="Customers’ Flows"
      about="What each customer has of your flows: enabled or not, with their own changes. Also called flow instances."
      path={PATH}
      kind="flow-instance"
      fetchPage={pagesOf(permea.flowInstances.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconPlugConnected} title="No customer has a flow yet">
          Enable one under <To path="/flows">Flows</To>, or let your application do so with a customer’s token.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconPlugConnected} title="No customer’s flow fits these filters">
          A flow without one for this customer is not launched by the customer’s events. Enable it under{' '}
          <To path="/flows">Flows</To>.
        </Empty>
      }
    />
  )
}

export function Record() {
  return (
    <RecordDrawer<Instance>
      noun="customer’s flow"
      path={PATH}
      kind="flow-instance"
      apiPath="/flow-instances"
      size={1180}
      fetchOne={(id, signal) => permea.flowInstances.get({ params: { id } }, { signal })}
      titleOf={(each) => `${each.name} of ${each.user?.name ?? each.userId}`}
      statusOf={(each) => <Status of={stateOf(each)} />}
      actions={(each) => <Actions instance={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About instance={each} /> },
        {
          key: 'nodes',
          title: 'Nodes',
          show: (each) => (
            <FlowEditor
              draft={`${PATH}/${each.id}/nodes`}
              flowId={each.flowId}
              nodes={each.nodes}
              trialOf={{ flowInstanceId: each.id }}
              needs="flowInstances.patch"
              save={(nodes) => permea.flowInstances.patch({ params: { id: each.id }, body: { nodes } })}
              {...(each.archivedAt === undefined ? {} : { fixed: 'It is archived; restore it to change it.' })}
            />
          ),
        },
        { key: 'run', title: 'Run now', show: (each) => <RunNow instance={each} /> },
        {
          key: 'edit',
          title: 'Settings',
          show: (each) => (
            <ElementForm
              needs="flowInstances.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.flowInstances.patch({ params: { id: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ instance }: { instance: Instance }) {
  const params = { id: instance.id }
  const isArchived = instance.archivedAt !== undefined && 'It is archived; restore it first'
  return (
    <>
      {instance.enabled ? (
        <Act
          needs="flowInstances.patch"
          label="Disable"
          run={() => permea.flowInstances.patch({ params, body: { enabled: false } })}
          unless={isArchived}
          said="Disabled"
        />
      ) : (
        <Act
          needs="flowInstances.patch"
          label="Enable"
          variant="filled"
          run={() => permea.flowInstances.patch({ params, body: { enabled: true } })}
          unless={isArchived}
          said={(after) => (after.state === 'READY' ? 'Enabled' : 'Enabled, but its setup failed: see the errors')}
        />
      )}
      <Act
        needs="flowInstances.setup"
        label="Set up again"
        run={() => permea.flowInstances.setup({ params })}
        unless={isArchived}
        said={(after) => (after.state === 'READY' ? 'Ready' : 'Something is still wrong: see the errors')}
      />
      <Act
        needs="flowInstances.updateToLatestFlow"
        label="Bring to the newest"
        run={() => permea.flowInstances.updateToLatestFlow({ params })}
        unless={isArchived || (!instance.outdated && 'It has the newest nodes of its flow') || null}
        said="It has the newest nodes now"
      />
      <Act
        needs="flowInstances.reset"
        label="Drop customisations"
        run={() => permea.flowInstances.reset({ params, body: { allNodes: true, name: true } })}
        unless={isArchived || (!instance.isCustomized && 'It has nothing of its own') || null}
        said="It is as its flow again"
        confirm={{ title: 'Drop what is its own?', text: 'Its nodes and name follow the flow again.' }}
      />
      {instance.archivedAt === undefined ? (
        <Act
          needs="flowInstances.archive"
          label="Archive"
          run={() => permea.flowInstances.archive({ params })}
          said="Archived"
          confirm={{ title: 'Archive this customer’s flow?', text: 'It is disabled and what it needs is let go.' }}
        />
      ) : (
        <Act
          needs="flowInstances.restore"
          label="Restore"
          run={() => permea.flowInstances.restore({ params })}
          said="Restored; it is disabled"
        />
      )}
    </>
  )
}

function About({ instance }: { instance: Instance }) {
  return (
    <div className="stack">
      {instance.errors?.map((error) => (
        <ErrorCard key={`${error.key} ${error.message}`} error={error} />
      ))}
      <Facts
        of={{
          Customer: <CustomerLink customer={instance.user} id={instance.userId} />,
          Flow:
            instance.flowId === undefined ? (
              'stands alone'
            ) : (
              <IdLink id={instance.flowId}>{instance.flow?.name ?? instance.flowId}</IdLink>
            ),
          Connection: instance.connectionId === undefined ? undefined : <IdLink id={instance.connectionId} />,
          'Instance key': instance.instanceKey,
          Nodes: instance.outdated ? 'the flow has others by now' : 'the newest of the flow',
          'Of its own': instance.isCustomized ? 'yes' : 'nothing',
          Changed: <Moment at={instance.updatedAt} isExact />,
        }}
      />
      <nav className="trail" aria-label="What follows from it">
        <To path="/flow-runs" search={{ flowInstanceId: instance.id }}>
          Its runs
        </To>
        <To path="/flow-runs" search={{ flowInstanceId: instance.id, state: 'failed' }}>
          Failed runs
        </To>
        <To path="/app-event-subscriptions" search={{ userId: instance.userId }}>
          Subscriptions of the customer
        </To>
        <To path="/alerts" search={{ contextKey: instance.id }}>
          Alerts about it
        </To>
      </nav>
      {instance.parameters !== undefined && <Json value={instance.parameters} label="parameters" title="Parameters" />}
    </div>
  )
}

function RunNow({ instance }: { instance: Instance }) {
  const [text, setText] = useTried(`${instance.id}/run`, () => '{}')
  const navigate = useNavigate()
  const starting = useMutation({
    mutationFn: async () =>
      permea.flowRuns.create({ body: { flowInstanceId: instance.id, input: parseExactJson(text) as unknown } }),
    onSuccess(run) {
      refreshAll()
      void navigate({ to: `/flow-runs/${run.id}`, search: {} })
    },
  })
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        starting.mutate()
      }}
    >
      <CodeField
        label="Input"
        description="What the trigger hands on, as if it had come in. Everything after it happens for real."
        language="json"
        value={text}
        onChange={setText}
      />
      {starting.error !== null && (
        <Alert role="alert" color="red" variant="outline" styles={{ message: { color: 'var(--bad)' } }}>
          {wordsOf(starting.error)}
        </Alert>
      )}
      <div>
        <MayButton
          needs="flowRuns.create"
          type="submit"
          loading={starting.isPending}
          disabled={instance.archivedAt !== undefined}
        >
          Run
        </MayButton>
      </div>
    </form>
  )
}
