import { Alert, Button, CopyButton, Group, Modal, NumberInput, Select, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { IconBellRinging, IconCheck, IconCopy } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Empty } from '../../parts/empty.tsx'
import { Exchange } from '../../parts/exchange.tsx'
import { Facts } from '../../parts/facts.tsx'
import { NewButton } from '../../parts/go.tsx'
import { To } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ARCHIVED } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { NewDrawer } from '../../records/new-drawer.tsx'
import { newOrExisting } from '../../records/new-element.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { Verify } from './verify.tsx'

type Endpoint = ItemOf<typeof permea.notificationEndpoints.list>
type EventType = Endpoint['eventTypes'][number]

const PATH = 'webhook-notifications'

const EVENT_TYPES: readonly EventType[] = [
  'connection.created',
  'connection.disconnected',
  'connection.reconnected',
  'connection.deleted',
  'flowRun.queued',
  'flowRun.started',
  'flowRun.completed',
  'flowRun.failed',
  'flowRun.stopped',
  'alert.created',
]

const columns: readonly Column<Endpoint>[] = [
  { title: 'Name', width: 'minmax(120px, 1fr)', cell: (each) => each.name },
  { title: 'State', width: '120px', cell: (each) => <Status of={each.state} /> },
  { title: 'Address', width: 'minmax(140px, 1.6fr)', from: 720, cell: (each) => <code>{each.url}</code> },
  {
    title: 'Hears of',
    width: '110px',
    from: 560,
    cell: (each) => `${each.eventTypes.length} of ${EVENT_TYPES.length}`,
  },
  {
    title: 'Health',
    width: '160px',
    from: 480,
    cell: (each) =>
      each.failingSince === undefined ? (
        each.lastSuccessAt === undefined ? (
          'nothing sent yet'
        ) : (
          <Status of="success" label="well" />
        )
      ) : (
        <span className="status" data-tone="bad">
          failing since <Moment at={each.failingSince} />
        </span>
      ),
  },
]

const filters: readonly Filter[] = [ARCHIVED]

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', placeholder: 'Operations' },
  {
    name: 'url',
    label: 'Address',
    kind: 'destination',
    required: true,
    placeholder: 'https://your-app.example.com/permea',
    about: 'Each notification is a POST with JSON, signed in the way of Standard Webhooks.',
  },
  {
    name: 'eventTypes',
    label: 'Event types',
    kind: 'choices',
    choices: EVENT_TYPES.map((value) => ({ value, label: value })),
    about: 'What it hears of.',
  },
  {
    name: 'headers',
    isSecret: true,
    label: 'Headers',
    kind: 'json',
    section: 'How it is sent',
    about: 'Sent with every notification; values are sealed and not shown again.',
    placeholder: '{ "x-api-key": "…" }',
  },
  { name: 'ordered', label: 'Strictly in order, one after the other', kind: 'switch' },
  { name: 'concurrency', label: 'At the same time', kind: 'number' },
  { name: 'throttlePerSecond', label: 'At most, per second', kind: 'number' },
]

export function Page() {
  return (
    <ListPage<Endpoint>
      title="Webhook Notifications"
      about="Where your backend hears of connections, flow runs and alerts."
      path={PATH}
      kind="notification-endpoint"
      fetchPage={pagesOf(permea.notificationEndpoints.list)}
      apiPath="/notification-endpoints"
      filters={filters}
      columns={columns}
      actions={<NewButton needs="notificationEndpoints.create" path={PATH} label="New endpoint" />}
      empty={
        <Empty
          icon={IconBellRinging}
          title="Nobody is told yet"
          action={<NewButton needs="notificationEndpoints.create" path={PATH} label="New endpoint" />}
        >
          Give an address of your backend and choose what it should hear of: a failed run, a lost connection, an alert.
        </Empty>
      }
      emptyFiltered={
        <Empty
          icon={IconBellRinging}
          title="Nobody is told yet"
          action={<NewButton needs="notificationEndpoints.create" path={PATH} label="New endpoint" />}
        />
      }
    />
  )
}

const NOTHING = {}

export const Record = newOrExisting(New, Existing)

function New() {
  const navigate = useNavigate()
  const [made, setMade] = useState<Endpoint | null>(null)
  return (
    <NewDrawer title="New endpoint" path={PATH}>
      {made === null ? (
        <ElementForm
          needs="notificationEndpoints.create"
          draft={`${PATH}/new`}
          fields={fields}
          of={NOTHING}
          isNew
          save={(body) => permea.notificationEndpoints.create({ body: { ...body, url: String(body.url) } })}
          onSaved={setMade}
        />
      ) : (
        <div className="stack">
          <Secret secret={made.secret ?? ''} />
          <div>
            <Button onClick={() => void navigate({ to: `/${PATH}/${made.id}`, search: true })}>I have it</Button>
          </div>
        </div>
      )}
    </NewDrawer>
  )
}

/** A signing secret, which the engine shows only once. */
function Secret({ secret }: { secret: string }) {
  return (
    <Alert role="status" variant="outline" color="yellow" title="Keep the secret now">
      <p>It verifies the signatures of what is sent. It is shown this once.</p>
      <code className="secret">{secret}</code>
      <CopyButton value={secret} timeout={2000}>
        {({ copied, copy }) => (
          <Button
            size="xs"
            mt="sm"
            onClick={copy}
            leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
          >
            {copied ? 'Copied' : 'Copy the secret'}
          </Button>
        )}
      </CopyButton>
    </Alert>
  )
}

function Existing() {
  return (
    <RecordDrawer<Endpoint>
      noun="endpoint"
      path={PATH}
      kind="notification-endpoint"
      alsoFollows={['delivery']}
      apiPath="/notification-endpoints"
      fetchOne={(id, signal) => permea.notificationEndpoints.get({ params: { id } }, { signal })}
      titleOf={(each) => each.name}
      statusOf={(each) => <Status of={each.state} />}
      actions={(each) => <Actions endpoint={each} />}
      tabs={[
        { key: 'about', title: 'About', show: (each) => <About endpoint={each} /> },
        { key: 'attempts', title: 'Recent attempts', show: (each) => <Recent endpoint={each} /> },
        { key: 'test', title: 'Send a test', show: (each) => <Test endpoint={each} /> },
        { key: 'verify', title: 'Verify', show: () => <Verify /> },
        {
          key: 'edit',
          title: 'Edit',
          show: (each) => (
            <ElementForm
              needs="notificationEndpoints.patch"
              draft={`${PATH}/${each.id}`}
              fields={fields}
              of={each}
              isNew={false}
              save={(body) => permea.notificationEndpoints.patch({ params: { id: each.id }, body })}
            />
          ),
        },
      ]}
    />
  )
}

function Actions({ endpoint }: { endpoint: Endpoint }) {
  const params = { id: endpoint.id }
  const isArchived = endpoint.state === 'archived' && 'It is archived'
  return (
    <>
      {endpoint.state === 'paused' ? (
        <Act
          needs="notificationEndpoints.resume"
          label="Resume"
          variant="filled"
          run={() => permea.notificationEndpoints.resume({ params })}
          said="Resumed, beginning with what was kept"
        />
      ) : (
        <Act
          needs="notificationEndpoints.pause"
          label="Pause"
          run={() => permea.notificationEndpoints.pause({ params })}
          unless={isArchived || null}
          said="Paused; what comes is kept"
        />
      )}
      <Rotate endpoint={endpoint} />
      <Act
        needs="notificationEndpoints.archive"
        label="Archive"
        run={() => permea.notificationEndpoints.archive({ params })}
        unless={isArchived || null}
        said="Archived"
        confirm={{
          title: `Archive “${endpoint.name}”?`,
          text: 'Nothing more is sent to it, and what waits is cancelled.',
        }}
      />
    </>
  )
}

function Rotate({ endpoint }: { endpoint: Endpoint }) {
  const [isOpen, asking] = useDisclosure(false)
  const [hours, setHours] = useState<number | string>(24)
  const rotating = useMutation({
    mutationFn: () =>
      permea.notificationEndpoints.rotateSecret({
        params: { id: endpoint.id },
        body: { overlapSeconds: Math.round(Number(hours) * 3600) },
      }),
    onSuccess: refreshAll,
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  const close = () => {
    asking.close()
    rotating.reset()
  }
  return (
    <>
      <MayButton
        needs="notificationEndpoints.rotateSecret"
        size="xs"
        variant="default"
        onClick={asking.open}
        disabled={endpoint.state === 'archived'}
      >
        Rotate secret
      </MayButton>
      <Modal opened={isOpen} onClose={close} title="Rotate the secret">
        {rotating.data?.secret !== undefined ? (
          <Secret secret={rotating.data.secret} />
        ) : (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              rotating.mutate()
            }}
          >
            <Text size="sm">
              A new secret signs from now on. Until the old one ends, everything is signed with both, so your backend
              can change over without losing anything.
            </Text>
            <NumberInput label="The old one ends after, in hours" min={0} max={168} value={hours} onChange={setHours} />
            <Group justify="flex-end">
              <MayButton needs="notificationEndpoints.rotateSecret" type="submit" loading={rotating.isPending}>
                Rotate
              </MayButton>
            </Group>
          </form>
        )}
      </Modal>
    </>
  )
}

function About({ endpoint }: { endpoint: Endpoint }) {
  return (
    <div className="stack">
      {endpoint.state === 'paused' && (
        <Alert variant="outline" color="yellow" title="Paused">
          {endpoint.pausedReason ?? 'By hand.'} Since <Moment at={endpoint.pausedAt} />. What comes is kept until it is
          resumed.
        </Alert>
      )}
      <Facts
        of={{
          Address: <Copyable text={endpoint.url} what="address" />,
          'Hears of':
            endpoint.eventTypes.length === 0
              ? 'nothing'
              : endpoint.eventTypes.map((each) => <code key={each}>{each} </code>),
          Headers: endpoint.headerNames.length === 0 ? undefined : endpoint.headerNames.join(', '),
          'In order': endpoint.ordered ? 'yes' : undefined,
          'At the same time': endpoint.concurrency,
          'At most, per second': endpoint.throttlePerSecond,
          'Old secret ends':
            endpoint.previousSecretUntil === undefined ? undefined : (
              <Moment at={endpoint.previousSecretUntil} isExact />
            ),
          'Last success': <Moment at={endpoint.lastSuccessAt} />,
          'Last failure': <Moment at={endpoint.lastFailureAt} />,
          'The workspace’s own': endpoint.isWorkspaceWebhook ? 'yes: also set as its webhook address' : undefined,
        }}
      />
      <nav className="trail" aria-label="What was sent">
        <To path="/deliveries" search={{ destinationId: endpoint.id }}>
          All deliveries to it
        </To>
        <To path="/deliveries" search={{ destinationId: endpoint.id, state: 'exhausted' }}>
          Those that failed
        </To>
        <To path="/alerts" search={{ contextKey: endpoint.id }}>
          Alerts about it
        </To>
      </nav>
    </div>
  )
}

function Recent({ endpoint }: { endpoint: Endpoint }) {
  const { data } = useQuery({
    queryKey: ['delivery', 'recent', endpoint.id, endpoint.lastSuccessAt, endpoint.lastFailureAt],
    queryFn: () => permea.deliveries.list({ query: { destinationId: endpoint.id, limit: 20 } }),
  })
  if (data?.items.length === 0)
    return (
      <Empty icon={IconBellRinging} title="Nothing was sent yet">
        Send a test to see what arrives.
      </Empty>
    )
  return (
    <ul className="plain-list">
      {data?.items.map((each) => (
        <li key={each.id}>
          <span>
            <To path={`/deliveries/${each.id}`}>
              <code>{each.eventType}</code>
            </To>{' '}
            <span className="dim">
              <Moment at={each.lastAttemptAt ?? each.createdAt} /> · {numberOf(each.attemptsMade, 'attempt')}
            </span>
            {each.lastError !== undefined && <div className="exchange-error">{each.lastError}</div>}
          </span>
          <Status of={each.state} />
        </li>
      ))}
    </ul>
  )
}

function Test({ endpoint }: { endpoint: Endpoint }) {
  const [eventType, setEventType] = useState<EventType>(endpoint.eventTypes[0] ?? 'alert.created')
  const testing = useMutation({
    mutationFn: () => permea.notificationEndpoints.test({ params: { id: endpoint.id }, body: { eventType } }),
    onSuccess: refreshAll,
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  const attempt = testing.data?.attempt
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        testing.mutate()
      }}
    >
      <Select
        label="What to send"
        description="A sample of this kind, signed as the real ones. Allowed while paused."
        data={[...EVENT_TYPES]}
        value={eventType}
        onChange={(to) => setEventType((to ?? 'alert.created') as EventType)}
        allowDeselect={false}
      />
      <div>
        <MayButton
          needs="notificationEndpoints.test"
          type="submit"
          loading={testing.isPending}
          disabled={endpoint.state === 'archived'}
        >
          Send
        </MayButton>
      </div>
      {attempt !== undefined && (
        <Exchange
          title="The test"
          status={attempt.outcome}
          about={duration(attempt.durationMs)}
          request={attempt.request}
          response={attempt.response}
          error={attempt.error}
          isOpen
        />
      )}
    </form>
  )
}
