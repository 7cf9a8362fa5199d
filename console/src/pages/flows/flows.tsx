import { Button, Group, Modal, Radio, Select } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { IconRoute } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
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
import { customerChoices, integrationChoices } from '../choices.ts'
import { FlowEditor } from './flow-editor.tsx'
import { TEMPLATES } from './templates.ts'
import { Versions } from './versions.tsx'

type Flow = ItemOf<typeof permea.flows.list>

const PATH = 'flows'

const columns: readonly Column<Flow>[] = [
  { title: 'Name', width: 'minmax(140px, 1.4fr)', cell: (flow) => flow.name },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (flow) => <code>{flow.key}</code> },
  {
    title: 'Of',
    width: '150px',
    from: 700,
    cell: (flow) =>
      flow.layer === 'universal' ? 'every integration' : (flow.integration?.name ?? flow.integrationKey ?? '–'),
  },
  { title: 'Nodes', width: '70px', from: 560, cell: (flow) => Object.keys(flow.nodes).length },
  { title: 'Changed', width: '120px', from: 640, cell: (flow) => <Moment at={flow.updatedAt} /> },
  {
    title: 'State',
    width: '150px',
    from: 480,
    cell: (flow) => <Status of={stateOf(flow)} />,
  },
]

const stateOf = (flow: Flow) => (flow.archivedAt !== undefined ? 'archived' : flow.enabled ? 'enabled' : 'disabled')

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  {
    kind: 'choice',
    name: 'layer',
    label: 'Layer',
    choices: [
      { value: 'universal', label: 'Universal' },
      { value: 'integration', label: 'Of an integration' },
    ],
  },
  { kind: 'link', name: 'integrationId', label: 'Integration' },
  ARCHIVED,
]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Tell the CRM' },
  { name: 'key', label: 'Key', kind: 'text', about: 'What your application calls it by; made from the name.' },
  { name: 'description', label: 'Description', kind: 'long' },
  {
    name: 'integrationId',
    label: 'Integration',
    kind: 'lookup',
    lookUp: integrationChoices,
    about: 'Empty for a flow that belongs to no integration.',
    fixed: 'A flow stays with its integration; make a copy for another one.',
  },
  {
    name: 'autoCreateInstances',
    label: 'Give it to every customer, those there are and those to come',
    kind: 'switch',
    section: 'How it runs',
  },
  { name: 'enabled', label: 'Customers’ flows are enabled when they are made', kind: 'switch' },
  { name: 'ordered', label: 'Strictly one run after the other, for each customer', kind: 'switch' },
  { name: 'concurrency', label: 'Runs at the same time, for each customer', kind: 'number', placeholder: '32' },
  {
    name: 'parametersSchema',
    label: 'Schema of its parameters',
    kind: 'json',
    about: 'What customers’ flows may be given.',
  },
]

export function Page() {
  return (
    <ListPage<Flow>
      title="Flows"
      about="What happens after an event, a request or a moment in time. Customers have flows of their own made from these."
      path={PATH}
      kind="flow"
      fetchPage={pagesOf(permea.flows.list)}
      filters={filters}
      columns={columns}
      actions={<NewButton needs="flows.create" path={PATH} label="New flow" />}
      empty={
        <Empty
          icon={IconRoute}
          title="No flows yet"
          action={<NewButton needs="flows.create" path={PATH} label="New flow" />}
        >
          A flow waits for something and then does something: for a kind of event of your application, to begin with.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconRoute} title="No flow fits these filters">
          Look for another part of the name or key, or show the archived ones.
        </Empty>
      }
    />
  )
}

export const Record = newOrExisting(New, Existing)

const NEW_FLOW = { enabled: true }

function New() {
  const [templateKey, setTemplateKey] = useState('')
  const template = TEMPLATES.find((each) => each.key === templateKey)
  return (
    <NewElement
      needs="flows.create"
      title="New flow"
      path={PATH}
      fields={fields}
      of={NEW_FLOW}
      create={(body) =>
        permea.flows.create({ body: template === undefined ? body : { ...body, nodes: template.nodes } })
      }
    >
      <Radio.Group label="Begin with" value={templateKey} onChange={setTemplateKey}>
        <div className="templates">
          {[{ key: '', title: 'Nothing', about: 'An empty flow' }, ...TEMPLATES].map(({ key, title, about }) => (
            <Radio key={key} value={key} label={title} description={about} />
          ))}
        </div>
      </Radio.Group>
    </NewElement>
  )
}

function Existing() {
  return (
    <RecordDrawer<Flow>
      noun="flow"
      path={PATH}
      kind="flow"
      apiPath="/flows"
      size={1180}
      fetchOne={(id, signal) => permea.flows.get({ params: { selector: id } }, { signal })}
      titleOf={(flow) => flow.name}
      statusOf={(flow) => <Status of={stateOf(flow)} />}
      actions={(flow) => <Actions flow={flow} />}
      tabs={[
        {
          key: 'nodes',
          title: 'Nodes',
          show: (flow) => (
            <FlowEditor
              draft={`${PATH}/${flow.id}/nodes`}
              flowId={flow.id}
              nodes={flow.nodes}
              trialOf={{ flowId: flow.id }}
              needs="flows.patch"
              save={(nodes) => permea.flows.patch({ params: { selector: flow.id }, body: { nodes } })}
              {...(flow.archivedAt === undefined ? {} : { fixed: 'It is archived; restore it to change it.' })}
            />
          ),
        },
        { key: 'about', title: 'About', show: (flow) => <About flow={flow} /> },
        { key: 'versions', title: 'Versions', show: (flow) => <Versions flow={flow} /> },
        {
          key: 'edit',
          title: 'Settings',
          show: (flow) => (
            <ElementForm
              needs="flows.patch"
              draft={`${PATH}/${flow.id}`}
              fields={fields}
              of={flow}
              isNew={false}
              save={(body) => permea.flows.patch({ params: { selector: flow.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ flow }: { flow: Flow }) {
  const navigate = useNavigate()
  const params = { selector: flow.id }
  const isArchived = flow.archivedAt !== undefined && 'It is archived; restore it first'
  return (
    <>
      <EnableForCustomer flow={flow} />
      <Act
        needs="flows.updateInstances"
        label="Bring customers to the newest"
        run={() => permea.flows.updateInstances({ params })}
        unless={isArchived}
        said={({ updated }) =>
          updated === 0 ? 'All were at the newest already' : `${updated} brought to the newest nodes`
        }
        confirm={{
          title: 'Bring all customers’ flows to these nodes?',
          text: 'What customers changed of their own is kept. Runs that began go on with the nodes they began with.',
          button: 'Bring them',
        }}
      />
      <Act
        needs="flows.clone"
        label="Copy"
        run={() => permea.flows.clone({ params })}
        said="Copied"
        onDone={(copy) => void navigate({ to: `/${PATH}/${copy.id}`, search: {} })}
      />
      <Act
        needs="flows.reset"
        label="Drop customisations"
        run={() => permea.flows.reset({ params })}
        unless={isArchived || (!flow.isCustomized && 'It has nothing of its own') || null}
        said="It follows the universal flow again"
        confirm={{ title: 'Drop what is its own?', text: 'It follows the universal flow again.' }}
      />
      {flow.archivedAt === undefined ? (
        <Act
          needs="flows.archive"
          label="Archive"
          run={() => permea.flows.archive({ params })}
          said="Archived"
          confirm={{
            title: `Archive “${flow.name}”?`,
            text: 'All customers’ flows made from it are archived with it.',
          }}
        />
      ) : (
        <Act needs="flows.restore" label="Restore" run={() => permea.flows.restore({ params })} said="Restored" />
      )}
    </>
  )
}

function EnableForCustomer({ flow }: { flow: Flow }) {
  const [isOpen, asking] = useDisclosure(false)
  const [userId, setUserId] = useState<string | null>(null)
  const navigate = useNavigate()
  const customers = useQuery({ queryKey: ['choices', 'userId'], queryFn: customerChoices, enabled: isOpen })
  const enabling = useMutation({
    mutationFn: () => permea.flowInstances.create({ body: { flowId: flow.id, userId: userId ?? '', enabled: true } }),
    onSuccess(instance) {
      refreshAll()
      void navigate({ to: `/flow-instances/${instance.id}`, search: {} })
    },
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  return (
    <>
      <MayButton needs="flowInstances.create" size="xs" onClick={asking.open} disabled={flow.archivedAt !== undefined}>
        Enable for a customer
      </MayButton>
      <Modal opened={isOpen} onClose={asking.close} title={`Enable “${flow.name}” for a customer`}>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            enabling.mutate()
          }}
        >
          <Select label="Customer" searchable data={[...(customers.data ?? [])]} value={userId} onChange={setUserId} />
          <Group justify="flex-end">
            <Button type="submit" disabled={userId === null} loading={enabling.isPending}>
              Enable
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  )
}

function About({ flow }: { flow: Flow }) {
  return (
    <div className="stack">
      {[...(flow.errors ?? []), ...(flow.incomplete ?? [])].map((error) => (
        <ErrorCard key={`${error.key} ${error.message}`} error={error} />
      ))}
      <Facts
        of={{
          Key: <Copyable text={flow.key} what="key" />,
          Description: flow.description,
          Layer: flow.layer,
          Integration:
            flow.integrationId === undefined ? undefined : (
              <IdLink id={flow.integrationId}>{flow.integration?.name ?? flow.integrationId}</IdLink>
            ),
          Follows: flow.universalFlowId === undefined ? undefined : <IdLink id={flow.universalFlowId} />,
          'For every customer': flow.autoCreateInstances === true ? 'yes' : 'no',
          'One after the other': flow.ordered ? 'yes' : 'no',
          Changed: <Moment at={flow.updatedAt} isExact />,
        }}
      />
      <nav className="trail" aria-label="What follows from it">
        <To path="/flow-instances" search={{ flowId: flow.id }}>
          Customers’ flows
        </To>
        <To path="/flow-runs" search={{ flowId: flow.id }}>
          Runs
        </To>
        <To path="/flow-runs" search={{ flowId: flow.id, state: 'failed' }}>
          Failed runs
        </To>
      </nav>
    </div>
  )
}
