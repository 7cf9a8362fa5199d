import { IconPlayerPlay } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { type AnswerOf, type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Empty } from '../../parts/empty.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Facts } from '../../parts/facts.tsx'
import { CustomerLink, IdLink, To } from '../../parts/links.tsx'
import { between, Moment } from '../../parts/moment.tsx'
import { Payload } from '../../parts/payload.tsx'
import { Status } from '../../parts/status.tsx'
import { TraceLink } from '../../parts/trace-link.tsx'
import type { Filter } from '../../records/filters.tsx'
import { ListPage } from '../../records/list-page.tsx'
import { RecordDrawer } from '../../records/record-drawer.tsx'
import { pagesOf } from '../../records/record-list.ts'
import type { Column } from '../../records/record-table.tsx'
import { Trail } from '../../trail/later.ts'
import { customerChoices, flowChoices } from '../choices.ts'
import { RepeatWith } from './repeat-with.tsx'
import { Timeline } from './timeline.tsx'

type Run = ItemOf<typeof permea.flowRuns.list>
type WholeRun = AnswerOf<typeof permea.flowRuns.get>

const PATH = 'flow-runs'

const LAUNCHED_BY: Record<string, string> = {
  'app-event-trigger': 'an app event',
  'connector-event-trigger': 'an external event',
  'schedule-trigger': 'a schedule',
  'api-trigger': 'the API',
  api: 'the API',
}

const columns: readonly Column<Run>[] = [
  { title: 'Flow', width: 'minmax(140px, 1.3fr)', cell: (run) => run.name ?? run.id },
  { title: 'State', width: '120px', cell: (run) => <Status of={run.state} /> },
  {
    title: 'Customer',
    width: 'minmax(100px, 1fr)',
    from: 620,
    cell: (run) => <CustomerLink customer={run.user} id={run.userId} />,
  },
  { title: 'Launched', width: '120px', from: 480, cell: (run) => <Moment at={run.startTime} /> },
  { title: 'Took', width: '90px', from: 720, cell: (run) => between(run.startTime, run.endTime) },
  { title: 'By', width: '140px', from: 1000, cell: (run) => launcherOf(run) },
  { title: 'Error', width: 'minmax(120px, 1.4fr)', from: 900, cell: (run) => run.errors?.[0]?.message ?? '–' },
]

const launcherOf = (run: Run) => LAUNCHED_BY[run.launchedBy?.type ?? ''] ?? run.launchedBy?.type ?? '–'

const filters: readonly Filter[] = [
  { kind: 'search', name: 'search', label: 'Search by flow' },
  {
    kind: 'choice',
    name: 'state',
    label: 'State',
    choices: ['queued', 'running', 'completed', 'failed', 'stopped'].map((state) => ({ value: state, label: state })),
  },
  { kind: 'lookup', name: 'flowId', label: 'Flow', lookUp: flowChoices },
  { kind: 'lookup', name: 'userId', label: 'Customer', lookUp: customerChoices },
  { kind: 'since', name: 'from', label: 'Launched' },
  { kind: 'link', name: 'flowInstanceId', label: 'Flow instance' },
  { kind: 'link', name: 'appEventId', label: 'App event' },
  { kind: 'link', name: 'connectionId', label: 'Connection' },
]

export function Page() {
  return (
    <ListPage<Run>
      title="Flow Runs"
      about="Every time a flow ran: what set it off, how far it came, what it came to."
      path={PATH}
      kind="flow-run"
      fetchPage={pagesOf(permea.flowRuns.list)}
      filters={filters}
      columns={columns}
      empty={
        <Empty icon={IconPlayerPlay} title="No flow has run yet">
          A run begins when an event comes in that an enabled flow waits for, by a schedule, or by hand from{' '}
          <To path="/flow-instances">a customer’s flow</To>.
        </Empty>
      }
      emptyFiltered={
        <Empty icon={IconPlayerPlay} title="No run fits these filters">
          If an event should have launched one, open the event: it says which flows wanted it.
        </Empty>
      }
    />
  )
}

const isActive = (run: Run) => run.state === 'queued' || run.state === 'running'

export function Record() {
  return (
    <RecordDrawer<WholeRun>
      noun="flow run"
      path={PATH}
      kind="flow-run"
      apiPath="/flow-runs"
      size={860}
      fetchOne={(id, signal) => permea.flowRuns.get({ params: { id } }, { signal })}
      titleOf={(run) => run.name ?? 'Flow run'}
      statusOf={(run) => <Status of={run.state} />}
      actions={(run) => <Actions run={run} />}
      tabs={[
        { key: 'timeline', title: 'Timeline', show: (run) => <Overview run={run} /> },
        { key: 'trail', title: 'Way', show: (run) => <Trail of={run.id} here={run.id} /> },
        {
          key: 'input',
          title: 'Input',
          show: (run) => <Payload value={run.input} cutAt={run.payloadCutAt} label="input of the run" />,
        },
      ]}
    />
  )
}

function Actions({ run }: { run: WholeRun }) {
  const navigate = useNavigate()
  const params = { id: run.id }
  return (
    <>
      <Act
        needs="flowRuns.repeat"
        label="Repeat"
        run={() => permea.flowRuns.repeat({ params })}
        said="A new run with the same input began"
        onDone={(again) => void navigate({ to: `/${PATH}/${again.id}`, search: true })}
      />
      <RepeatWith run={run} />
      <Act
        needs="flowRuns.stop"
        label="Stop"
        run={() => permea.flowRuns.stop({ params })}
        unless={isActive(run) ? null : `It has ended: ${run.state}`}
        said="Stopped"
        confirm={{ title: 'Stop this run?', text: 'Nothing more is started; what was sent stays sent.' }}
      />
    </>
  )
}

function WaitsFor({ run }: { run: WholeRun }) {
  return (
    <ul className="plain">
      {run.waitsFor?.map(({ nodeKey, event, field, value, until }) => (
        <li key={`${nodeKey} ${until} ${value}`}>
          <strong>{event}</strong>
          {field === undefined ? '' : ` with ${field} = ${value}`}, in the node {nodeKey}, until{' '}
          <Moment at={until} isExact />
        </li>
      ))}
    </ul>
  )
}

function Overview({ run }: { run: WholeRun }) {
  return (
    <div className="stack">
      {run.errors?.map((error) => (
        // What was answered stands in the timeline below.
        <ErrorCard key={`${error.key} ${error.message}`} error={{ ...error, data: undefined }} />
      ))}
      <Facts
        of={{
          Launched: (
            <>
              <Moment at={run.startTime} isExact /> by {launcherOf(run)}
            </>
          ),
          Took: between(run.startTime, run.endTime),
          'Next attempt':
            run.nextAttemptAt === undefined || run.waitsFor !== undefined ? undefined : (
              <Moment at={run.nextAttemptAt} />
            ),
          'Waits for': run.waitsFor === undefined ? undefined : <WaitsFor run={run} />,
          Customer: <CustomerLink customer={run.user} id={run.userId} />,
          'App event': run.appEventId === undefined ? undefined : <IdLink id={run.appEventId} />,
          'Flow of the customer': (
            <IdLink id={run.flowInstanceId}>{run.flowInstance?.name ?? run.flowInstanceId}</IdLink>
          ),
          Flow: run.flowId === undefined ? undefined : <IdLink id={run.flowId} />,
          Trace: run.traceId === undefined ? undefined : <TraceLink id={run.traceId} />,
          'Leads to': (
            <>
              <To path="/alerts" search={{ contextKey: run.flowInstanceId }}>
                alerts about the flow
              </To>
              {' · '}
              <To path="/deliveries" search={{ sourceId: run.id, from: '7d' }}>
                who was told of this run
              </To>
            </>
          ),
        }}
      />
      <Timeline run={run} />
    </div>
  )
}
