import { Alert, Badge, Button, Group, SegmentedControl, Select } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconCode } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { type ItemOf, permea, refreshed, wordsOf } from '../../api.ts'
import { DraftNotice } from '../../forms/draft-notice.tsx'
import { useDraft } from '../../forms/drafts.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field, Values } from '../../forms/fields.ts'
import { PAYLOAD_DAYS } from '../../forms/payload-days.ts'
import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
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
import { useUrlState } from '../../records/url-state.ts'
import { refusalOf } from '../../session/may.ts'
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
  {
    name: 'dedupeKey',
    label: 'What identifies an event',
    kind: 'json',
    section: 'Events that the app sends again',
    placeholder: '{ "header": "x-delivery-id" }',
    about:
      'header, path (within the event) or formula, and forSeconds. An event that comes again is shown as repeated, and nothing follows from it.',
  },
  PAYLOAD_DAYS,
]

const codeOf = (type: Type, slot: Slot): string => {
  const definition = type[slot]
  return definition?.type === 'javascript' ? definition.code : ''
}

const NewType = () => <NewButton needs="externalEventTypes.create" path={PATH} label="New external event type" />

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

/** A person enters the address in the app, so there is nothing to register. */
const BY_HAND = 'export default () => ({})\n'

const NOTHING: Values = {}

function New() {
  const { search } = useUrlState()
  const [vendor, setVendor] = useState<string | null>(search.vendor ?? null)
  const { data } = useQuery({ queryKey: ['webhook-vendors'], queryFn: () => permea.webhookVendors.list() })
  const vendors = data?.items ?? []
  const chosen = vendors.find(({ key }) => key === vendor)
  return (
    <NewElement
      needs="externalEventTypes.create"
      title="New external event type"
      path={PATH}
      fields={fields}
      of={chosen === undefined ? NOTHING : { name: chosen.name }}
      create={(body) => {
        const functions =
          chosen === undefined
            ? { subscribe: STARTS.subscribe, handle: STARTS.handle, unsubscribe: STARTS.unsubscribe }
            : {
                subscribe: BY_HAND,
                handle: chosen.handle,
                unsubscribe: BY_HAND,
                parametersSchema: chosen.parametersSchema,
                ...(chosen.dedupeKey === null ? {} : { dedupeKey: chosen.dedupeKey }),
              }
        return permea.externalEventTypes.create({
          body: { name: chosen?.name, ...(body.parentId === undefined ? functions : {}), ...body, type: 'webhook' },
        })
      }}
    >
      <Select
        label="Sent by"
        description="An app whose signatures are known: handle, its handshake and what identifies an event are ready to be edited."
        placeholder="Another app"
        searchable
        clearable
        data={vendors.map(({ key, name }) => ({ value: key, label: name }))}
        value={vendor}
        onChange={setVendor}
      />
      {chosen === undefined ? (
        <p className="dim flat">It begins with functions for an API that has /webhooks; change and try them next.</p>
      ) : (
        <Facts
          of={{
            Signature: chosen.scheme,
            'You give': Object.values(chosen.takes).join('; ') || 'nothing',
            Handshake: chosen.handshake?.when,
            'Known again by': chosen.eventId.join(' + ') || 'nothing',
            'Ready-made connector': chosen.connectorKey,
            Source: (
              <a href={chosen.source} target="_blank" rel="noreferrer">
                {chosen.source}
              </a>
            ),
          }}
        />
      )}
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
            needs="externalEventTypes.generateSchema"
            label="Derive schema from example"
            run={() => permea.externalEventTypes.generateSchema({ params: { selector: type.id } })}
            unless={type.example === undefined ? 'There is no example to derive it from; add one under Edit' : null}
            said="The schema now follows from the example"
          />
          <ArchiveAct
            needs="externalEventTypes.archive"
            name={type.name}
            isArchived={type.archivedAt !== undefined}
            text="Subscriptions of it are unsubscribed. Where it overrides another type, that one counts again."
            archive={() => permea.externalEventTypes.archive({ params: { selector: type.id } })}
            restore={() => permea.externalEventTypes.restore({ params: { selector: type.id } })}
          />
        </>
      )}
      tabs={[
        { key: 'functions', title: 'Functions', show: (type) => <Functions key={type.id} type={type} /> },
        { key: 'about', title: 'About', show: (type) => <About type={type} /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (type) => (
            <ElementForm
              needs="externalEventTypes.patch"
              draft={`${PATH}/${type.id}`}
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
  const draft = useDraft<Partial<Record<Slot, string>>>(`${PATH}/${type.id}/functions`)
  const changed = draft.value ?? {}
  const latest = useRef(changed)
  const change = (to: Partial<Record<Slot, string>>) => {
    latest.current = to
    draft.set(SLOTS.every((each) => (to[each] ?? codeOf(type, each)) === codeOf(type, each)) ? null : to)
  }
  const saving = useMutation({
    async mutationFn() {
      const sent = latest.current
      await permea.externalEventTypes.patch({
        params: { selector: type.id },
        body: Object.fromEntries(Object.entries(sent).map(([name, code]) => [name, code.trim() === '' ? null : code])),
      })
      await refreshed()
      return sent
    },
    onSuccess(sent) {
      // What was typed while it was being saved is not saved yet.
      const left = Object.entries(latest.current).filter(([name, code]) => sent[name as Slot] !== code)
      latest.current = Object.fromEntries(left)
      draft.set(left.length === 0 ? null : latest.current)
      notifications.show({ message: 'Saved. Subscriptions use the new functions from now on.' })
    },
  })
  const code = changed[slot] ?? codeOf(type, slot)
  const isMapping = type[slot] !== undefined && type[slot]?.type !== 'javascript'
  const isUnchanged = draft.value === null
  const refusal = refusalOf('externalEventTypes.patch')
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
          <Button size="xs" variant="default" disabled={isUnchanged} onClick={() => change({})}>
            Undo changes
          </Button>
          <MayButton
            needs="externalEventTypes.patch"
            size="xs"
            disabled={refusal === null && (isUnchanged || type.archivedAt !== undefined)}
            loading={saving.isPending}
            onClick={() => saving.mutate()}
          >
            Save functions
          </MayButton>
        </Group>
      </Group>
      <DraftNotice keptAt={draft.keptAt} onDiscard={() => change({})} />
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
          of={type.id}
          slot={slot}
          code={code}
          args={
            slot === 'handle' && type.example !== undefined
              ? { data: type.example, headers: {}, query: {}, parameters: {}, state: {} }
              : undefined
          }
          onChange={(to) => change({ ...latest.current, [slot]: to })}
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
      {type.dedupeKey !== undefined && (
        <Json value={type.dedupeKey} label="what identifies an event" title="What identifies an event" />
      )}
      {type.schema !== undefined && <Json value={type.schema} label="JSON Schema" title="JSON Schema" />}
      {type.example !== undefined && <Json value={type.example} label="example" title="Example" />}
    </div>
  )
}
