import { Alert, Badge, Button, Group, SegmentedControl } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconCode } from '@tabler/icons-react'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { Json } from '../../parts/json.tsx'
import { IdLink, To } from '../../parts/links.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { ARCHIVED, type Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewElement, newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { connectionChoices, externalEventTypeChoices, integrationChoices } from '../choices.ts'
import { FunctionBench } from './function-bench.tsx'

type Type = ItemOf<typeof permea.externalEventTypes.list>

const PATH = 'external-event-types'
const SLOTS = ['subscribe', 'handle', 'unsubscribe', 'refresh'] as const
type Slot = (typeof SLOTS)[number]

const LAYERS = { universal: 'every integration', integration: 'an integration', connection: 'a connection' }

const STARTS: Record<Slot, string> = {
  subscribe:
    "export default async function subscribe({ apiClient, webhookUri, parameters }) {\n  const { data } = await apiClient.post('/webhooks', { url: webhookUri })\n  return { state: { webhookId: data.id } }\n}\n",
  handle: 'export default async function handle({ data }) {\n  return { events: [data] }\n}\n',
  unsubscribe:
    'export default async function unsubscribe({ apiClient, state }) {\n  await apiClient.delete("/webhooks/" + state.webhookId)\n}\n',
  refresh:
    'export default async function refresh({ apiClient, state }) {\n  await apiClient.post("/webhooks/" + state.webhookId + "/refresh")\n  return { nextRefreshTimestamp: Date.now() + 24 * 60 * 60 * 1000 }\n}\n',
}

const columns: readonly Column<Type>[] = [
  { title: 'Name', width: 'minmax(140px, 1.3fr)', cell: (type) => type.name },
  { title: 'Key', width: 'minmax(110px, 1fr)', cell: (type) => <code>{type.key}</code> },
  { title: 'For', width: '150px', from: 560, cell: (type) => LAYERS[type.layer] },
  { title: 'Changed', width: '120px', from: 640, cell: (type) => <Moment at={type.updatedAt} /> },
  {
    title: 'State',
    width: '100px',
    from: 720,
    cell: (type) => <Status of={type.archivedAt === undefined ? 'active' : 'archived'} />,
  },
]

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search' },
  {
    kind: 'choice',
    name: 'layer',
    label: 'For',
    choices: Object.entries(LAYERS).map(([value, label]) => ({ value, label })),
  },
  { kind: 'lookup', name: 'integrationId', label: 'Integration', lookUp: integrationChoices },
  ARCHIVED,
]

const STAYS = 'Where it stands is part of what it is; make another one.'

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true, placeholder: 'Issue changed' },
  { name: 'key', label: 'Key', kind: 'text', about: 'Made from the name where none is given.' },
  { name: 'description', label: 'Description', kind: 'long' },
  {
    name: 'integrationId',
    label: 'Only for the integration',
    kind: 'lookup',
    lookUp: integrationChoices,
    section: 'Where it counts',
    fixed: STAYS,
  },
  { name: 'connectionId', label: 'Only for the connection', kind: 'lookup', lookUp: connectionChoices, fixed: STAYS },
  {
    name: 'parentId',
    label: 'In the place of',
    kind: 'lookup',
    lookUp: externalEventTypeChoices,
    about: 'A wider type that this one overrides; what is not given here stays as it is there.',
    fixed: STAYS,
  },
  { name: 'example', label: 'Example', kind: 'json', section: 'What an event looks like' },
  { name: 'schema', label: 'JSON Schema', kind: 'json' },
  {
    name: 'parametersSchema',
    label: 'Schema of the parameters',
    kind: 'json',
    about: 'What a subscriber must give, such as a project.',
  },
]

const codeOf = (type: Type, slot: Slot): string => {
  const definition = type[slot]
  return definition?.type === 'javascript' ? definition.code : ''
}

const NewType = () => <NewButton path={PATH} label="New external event type" />

export function Page() {
  return (
    <ListPage<Type>
      title="External Event Types"
      about={
        <>
          Events of external apps, with the functions that subscribe to them.{' '}
          <Badge size="sm" variant="outline" color="gray" c="inherit">
            Experimental
          </Badge>
        </>
      }
      path={PATH}
      kind="external-event-type"
      fetchPage={pagesOf(permea.externalEventTypes.list)}
      filters={filters}
      columns={columns}
      actions={<NewType />}
      empty={
        <Empty icon={IconCode} title="No external event types yet" action={<NewType />}>
          Subscribe to an event of an app that its connector does not know: with three small functions, and no change of
          the connector.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconCode} title="No external event type fits" action={<NewType />}>
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
      title="New external event type"
      path={PATH}
      fields={fields}
      create={(body) => {
        const functions = { subscribe: STARTS.subscribe, handle: STARTS.handle, unsubscribe: STARTS.unsubscribe }
        return permea.externalEventTypes.create({
          body: { ...(body.parentId === undefined ? functions : {}), ...body, type: 'webhook' },
        })
      }}
    >
      <p className="dim flat">It begins with functions for an API that has /webhooks; change and try them next.</p>
    </NewElement>
  )
}

function Existing() {
  return (
    <RecordDrawer<Type>
      noun="external event type"
      path={PATH}
      kind="external-event-type"
      apiPath="/external-event-types"
      size={1180}
      fetchOne={(id, signal) => permea.externalEventTypes.get({ params: { selector: id } }, { signal })}
      titleOf={(type) => type.name}
      statusOf={(type) => (type.archivedAt === undefined ? null : <Status of="archived" />)}
      actions={(type) => (
        <>
          <Act
            label="Derive schema from example"
            run={() => permea.externalEventTypes.generateSchema({ params: { selector: type.id } })}
            unless={type.example === undefined ? 'There is no example to derive it from; add one under Edit' : null}
            said="The schema now follows from the example"
          />
          <ArchiveAct
            name={type.name}
            isArchived={type.archivedAt !== undefined}
            text="Subscriptions of it are unsubscribed. Where it overrides another type, that one counts again."
            archive={() => permea.externalEventTypes.archive({ params: { selector: type.id } })}
            restore={() => permea.externalEventTypes.restore({ params: { selector: type.id } })}
          />
        </>
      )}
      tabs={[
        { key: 'functions', title: 'Functions', show: (type) => <Functions key={type.revision} type={type} /> },
        { key: 'about', title: 'About', show: (type) => <About type={type} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (type) => (
            <ElementForm
              key={type.revision}
              fields={fields}
              of={type}
              isNew={false}
              save={(body) => permea.externalEventTypes.patch({ params: { selector: type.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

/** The four functions, one at a time, each with its bench; all that changed is saved together. */
function Functions({ type }: { type: Type }) {
  const [slot, setSlot] = useState<Slot>('subscribe')
  const [changed, setChanged] = useState<Partial<Record<Slot, string>>>({})
  const saving = useMutation({
    mutationFn: () =>
      permea.externalEventTypes.patch({
        params: { selector: type.id },
        body: Object.fromEntries(
          Object.entries(changed).map(([name, code]) => [name, code.trim() === '' ? null : code]),
        ),
      }),
    onSuccess() {
      refreshAll()
      notifications.show({ message: 'Saved. Subscriptions use the new functions from now on.' })
    },
  })
  const code = changed[slot] ?? codeOf(type, slot)
  const isMapping = type[slot] !== undefined && type[slot]?.type !== 'javascript'
  const isUnchanged = Object.keys(changed).length === 0
  return (
    <div className="stack">
      <Group justify="space-between" gap="xs">
        <SegmentedControl
          size="xs"
          aria-label="Which function"
          data={SLOTS.map((each) => ({ value: each, label: each }))}
          value={slot}
          onChange={(to) => setSlot(to as Slot)}
        />
        <Group gap="xs">
          <Button size="xs" variant="default" disabled={isUnchanged} onClick={() => setChanged({})}>
            Undo changes
          </Button>
          <Button
            size="xs"
            disabled={isUnchanged || type.archivedAt !== undefined}
            loading={saving.isPending}
            onClick={() => saving.mutate()}
          >
            Save functions
          </Button>
        </Group>
      </Group>
      {saving.error !== null && (
        <Alert
          role="alert"
          color="red"
          variant="outline"
          title="Not saved"
          styles={{ message: { color: 'var(--bad)' } }}
        >
          {wordsOf(saving.error)}
        </Alert>
      )}
      {isMapping ? (
        <Json value={type[slot]} label={`${slot} as a mapping`} title="It is a mapping, without code" />
      ) : (
        <FunctionBench
          key={slot}
          slot={slot}
          code={code}
          args={
            slot === 'handle' && type.example !== undefined
              ? { data: type.example, headers: {}, query: {}, parameters: {}, state: {} }
              : undefined
          }
          onChange={(to) => setChanged((now) => ({ ...now, [slot]: to }))}
        />
      )}
    </div>
  )
}

function About({ type }: { type: Type }) {
  return (
    <div className="stack">
      <Facts
        of={{
          Key: <Copyable text={type.key} what="key" />,
          Description: type.description,
          'Counts for': LAYERS[type.layer],
          Integration: type.integrationId && <IdLink id={type.integrationId} />,
          Connection: type.connectionId && <IdLink id={type.connectionId} />,
          'In the place of': type.parentId && <IdLink id={type.parentId} />,
          'Says itself': type.overrides?.join(', '),
          'Leads to': (
            <To path="/external-event-subscriptions" search={{ externalEventTypeId: type.id }}>
              its subscriptions
            </To>
          ),
        }}
      />
      {type.schema !== undefined && <Json value={type.schema} label="JSON Schema" title="JSON Schema" />}
      {type.example !== undefined && <Json value={type.example} label="example" title="Example" />}
    </div>
  )
}
