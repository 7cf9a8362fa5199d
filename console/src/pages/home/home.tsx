import { SegmentedControl, Skeleton } from '@mantine/core'
import { IconMoodSmile } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { lazy, type ReactNode, Suspense } from 'react'
import { type AnswerOf, permea, session } from '../../api.ts'
import { useUpdates } from '../../live/live.ts'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { To } from '../../parts/links.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { timeFormat, useIsUtc } from '../../parts/zone.ts'
import { useUrlState } from '../../records/url-state.ts'
import { PageHead } from '../../shell/page-head.tsx'
import { ALERT_TITLES } from '../settings/alert-titles.ts'
import type { Line } from './chart.tsx'
import { FirstSteps } from './first-steps.tsx'

const Chart = lazy(() => import('./chart.tsx'))

type Statistics = AnswerOf<typeof permea.statistics.get>
type Bucket = Statistics['items'][number]

const SPANS: Record<string, { label: string; ms: number; buckets: number }> = {
  '1h': { label: '1 h', ms: 3_600_000, buckets: 60 },
  '6h': { label: '6 h', ms: 21_600_000, buckets: 72 },
  '24h': { label: '24 h', ms: 86_400_000, buckets: 96 },
  '7d': { label: '7 d', ms: 604_800_000, buckets: 84 },
}
const USUAL_SPAN = '1h'
const LOOK_EVERY_MS = 4000
const FAILED_LOOKED_AT = 200
const FAILING_SHOWN = 6

export function Page() {
  const { search, change } = useUrlState()
  const spanKey = SPANS[search.span ?? ''] === undefined ? USUAL_SPAN : (search.span ?? USUAL_SPAN)
  const statistics = useQuery({
    queryKey: ['statistics', spanKey],
    queryFn: () => {
      const { ms = 0, buckets = 1 } = SPANS[spanKey] ?? {}
      return permea.statistics.get({ query: { from: new Date(Date.now() - ms), buckets } })
    },
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  useUpdates(
    ['app-event-log-record', 'flow-run', 'delivery', 'broker-source'],
    () => void statistics.refetch(),
    LOOK_EVERY_MS,
  )
  const { data } = statistics
  return (
    <div className="page">
      <PageHead
        title="Home"
        about={`How ${session().workspace.name} is doing.`}
        actions={
          <SegmentedControl
            size="xs"
            aria-label="Time shown"
            data={Object.entries(SPANS).map(([value, { label }]) => ({ value, label }))}
            value={spanKey}
            onChange={(span) => change({ span })}
          />
        }
      />
      <div className="page-body">
        {statistics.error !== null && <Failure error={statistics.error} onRetry={() => void statistics.refetch()} />}
        <div className="stack">
          {data === undefined ? <Skeleton height={88} /> : <Numbers of={data} span={spanKey} />}
          <FirstSteps />
          <div className="home-grid">
            <NeedsYou />
            <FailsFirst />
          </div>
          {data === undefined ? <Skeleton height={420} /> : <Charts of={data} />}
        </div>
      </div>
    </div>
  )
}

const sum = (buckets: readonly Bucket[], of: (bucket: Bucket) => number) =>
  buckets.reduce((total, bucket) => total + of(bucket), 0)
const about = (number: number, isEstimated: boolean) => `${isEstimated ? '≈ ' : ''}${number.toLocaleString()}`

/** Each figure leads to the rows that it counts. */
function Numbers({ of: { items, now }, span }: { of: Statistics; span: string }) {
  const isEstimated = items.some((bucket) => bucket.isEstimated)
  const failed = sum(items, (bucket) => bucket.runs.failed)
  const undelivered = sum(items, (bucket) => bucket.deliveries.failed)
  return (
    <div className="numbers">
      <Figure
        label="Events"
        value={about(
          sum(items, (bucket) => bucket.events),
          isEstimated,
        )}
        to="/app-events"
        search={{ from: span }}
      />
      <Figure
        label="Runs completed"
        value={about(
          sum(items, (bucket) => bucket.runs.completed),
          isEstimated,
        )}
        to="/flow-runs"
        search={{ state: 'completed', from: span }}
      />
      <Figure
        label="Runs failed"
        value={about(failed, isEstimated)}
        isBad={failed > 0}
        to="/flow-runs"
        search={{ state: 'failed', from: span }}
      />
      <Figure
        label="Runs under way"
        value={now.runningRuns.toLocaleString()}
        to="/flow-runs"
        search={{ state: 'running' }}
      />
      <Figure
        label="Runs waiting"
        value={now.queuedRuns.toLocaleString()}
        to="/flow-runs"
        search={{ state: 'queued' }}
      />
      <Figure
        label="Deliveries waiting"
        value={now.pendingDeliveries.toLocaleString()}
        to="/deliveries"
        search={{ state: 'pending' }}
      />
      {now.intakeLog === undefined ? null : (
        <Figure
          label="Intake log is behind by"
          value={now.intakeLog.shards === 0 ? '0 s' : `${now.intakeLog.oldestSeconds.toLocaleString()} s`}
          isBad={now.intakeLog.oldestSeconds > 60}
          to="/set-aside-intake"
        />
      )}
      {now.brokerSources === undefined ? null : <AtBrokers of={now.brokerSources} />}
      <Figure
        label="Not delivered"
        value={about(undelivered, isEstimated)}
        isBad={undelivered > 0}
        to="/deliveries"
        search={{ state: 'exhausted', from: span }}
      />
    </div>
  )
}

/** What is not known is not shown as nothing. */
function AtBrokers({ of }: { of: NonNullable<Statistics['now']['brokerSources']> }) {
  const { waiting, unknown, failing, failingFirst } = of
  const more = failing - failingFirst.length
  return (
    <Figure
      label="Waiting at brokers"
      value={waiting === undefined ? 'unknown' : `${unknown > 0 ? '≥ ' : ''}${waiting.toLocaleString()}`}
      isBad={failing > 0}
      to="/broker-sources"
    >
      {failingFirst.map(({ id, name }) => (
        <To key={id} path={`/broker-sources/${id}`}>
          {name} cannot be read
        </To>
      ))}
      {more > 0 && <span className="dim">and {more.toLocaleString()} more</span>}
    </Figure>
  )
}

interface FigureProps {
  label: string
  value: string
  to: string
  search?: Record<string, string>
  isBad?: boolean
  children?: ReactNode
}

function Figure(props: FigureProps) {
  return (
    <div className="number" data-bad={props.isBad === true}>
      <To path={props.to} search={props.search ?? {}}>
        {props.label}
      </To>
      <strong>{props.value}</strong>
      {props.children}
    </div>
  )
}

function Charts({ of: { items } }: { of: Statistics }) {
  const moments = items.map((bucket) => Date.parse(bucket.from))
  const isEstimated = items.some((bucket) => bucket.isEstimated)
  return (
    <div className="home-grid">
      <ChartCard
        title="Events"
        moments={moments}
        asBars
        lines={[{ label: 'Received', tone: 'main', values: items.map((bucket) => bucket.events) }]}
        words={shortNumber}
      />
      <ChartCard
        title="Flow runs"
        moments={moments}
        asBars
        lines={[
          { label: 'All', tone: 'good', values: items.map(({ runs }) => runs.completed + runs.failed + runs.stopped) },
          { label: 'Failed', tone: 'bad', values: items.map(({ runs }) => runs.failed) },
        ]}
        words={shortNumber}
      />
      <ChartCard
        title="From launch to end"
        moments={moments}
        lines={[
          { label: 'Half are faster', tone: 'main', values: items.map(({ runMs }) => runMs?.p50 ?? null) },
          { label: '19 of 20 are faster', tone: 'calm', values: items.map(({ runMs }) => runMs?.p95 ?? null) },
        ]}
        words={duration}
      />
      <ChartCard
        title="Deliveries"
        moments={moments}
        asBars
        lines={[
          {
            label: 'All',
            tone: 'good',
            values: items.map(({ deliveries }) => deliveries.succeeded + deliveries.failed),
          },
          { label: 'Failed for good', tone: 'bad', values: items.map(({ deliveries }) => deliveries.failed) },
        ]}
        words={shortNumber}
      />
      {isEstimated && (
        <p className="dim flat">
          ≈ There was too much to count in a moment: bars were counted from the beginning of their stretch.
        </p>
      )}
    </div>
  )
}

const compact = new Intl.NumberFormat(undefined, { notation: 'compact' })
const shortNumber = (value: number) => compact.format(value)
const hourMinute = timeFormat({ dateStyle: 'short', timeStyle: 'short' })

interface ChartCardProps {
  title: string
  moments: readonly number[]
  lines: readonly Line[]
  asBars?: boolean
  words(value: number): string
}

function ChartCard({ title, moments, lines, asBars = false, words }: ChartCardProps) {
  return (
    <Card
      title={title}
      aside={
        <span className="legend">
          {lines.map((line) => (
            <span key={line.label} data-tone={line.tone}>
              {line.label}
            </span>
          ))}
        </span>
      }
    >
      <Suspense fallback={<Skeleton height={150} />}>
        <Chart
          label={`${title} over time; the table below has the same`}
          moments={moments}
          lines={lines}
          asBars={asBars}
          wordsOf={words}
        />
      </Suspense>
      <details className="as-table">
        <summary>As a table</summary>
        <AsTable title={title} moments={moments} lines={lines} words={words} />
      </details>
    </Card>
  )
}

function AsTable({ title, moments, lines, words }: Omit<ChartCardProps, 'asBars'>): ReactNode {
  const isUtc = useIsUtc()
  const rows = moments.flatMap((moment, at) =>
    lines.some((line) => (line.values[at] ?? 0) > 0) ? [{ moment, at }] : [],
  )
  if (rows.length === 0) return <p className="dim">Nothing happened in this time.</p>
  return (
    <table aria-label={title}>
      <thead>
        <tr>
          <th scope="col">From</th>
          {lines.map((line) => (
            <th key={line.label} scope="col">
              {line.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map(({ moment, at }) => (
          <tr key={moment}>
            <td>{hourMinute(moment, isUtc)}</td>
            {lines.map((line) => (
              <td key={line.label}>{line.values[at] === null ? '–' : words(line.values[at] ?? 0)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function NeedsYou() {
  const { data, refetch } = useQuery({
    queryKey: ['alert', 'ongoing'],
    queryFn: () => permea.alerts.list({ query: { status: 'ongoing', limit: 6 } }),
  })
  useUpdates(['alert'], () => void refetch())
  return (
    <Card title="Needs a person" aside={<To path="/alerts">All alerts</To>}>
      {data === undefined && <Skeleton height={60} />}
      {data?.items.length === 0 && (
        <p className="dim flat calm">
          <IconMoodSmile size={18} aria-hidden /> Nothing needs you.
        </p>
      )}
      <ul className="plain-list">
        {data?.items.map((alert) => (
          <li key={alert.id}>
            <span>
              <To path={`/alerts/${alert.id}`}>{ALERT_TITLES[alert.type]}</To>
              <div className="dim">{alert.description}</div>
            </span>
            <Status of={alert.severity} />
          </li>
        ))}
      </ul>
    </Card>
  )
}

/** Flows by how many of the last failed runs were theirs. */
function FailsFirst() {
  const { data, refetch } = useQuery({
    queryKey: ['flow-run', 'failing'],
    queryFn: () =>
      permea.flowRuns.list({
        query: { state: 'failed', limit: FAILED_LOOKED_AT, from: new Date(Date.now() - 86_400_000) },
      }),
  })
  useUpdates(['flow-run'], () => void refetch(), LOOK_EVERY_MS)
  const groups = [...Map.groupBy(data?.items ?? [], (run) => run.flowId ?? run.flowInstanceId)]
    .map(([id, runs]) => ({ id, runs, last: runs[0] }))
    .sort((a, b) => b.runs.length - a.runs.length)
    .slice(0, FAILING_SHOWN)
  return (
    <Card
      title="Fails most, in 24 hours"
      aside={
        <To path="/flow-runs" search={{ state: 'failed', from: '24h' }}>
          All failed runs
        </To>
      }
    >
      {data === undefined && <Skeleton height={60} />}
      {data !== undefined && groups.length === 0 && (
        <p className="dim flat calm">
          <IconMoodSmile size={18} aria-hidden /> No run failed.
        </p>
      )}
      <ul className="plain-list">
        {groups.map(({ id, runs, last }) => (
          <li key={id}>
            <span>
              <To
                path="/flow-runs"
                search={{ state: 'failed', from: '24h', ...(last?.flowId === undefined ? {} : { flowId: id }) }}
              >
                {last?.name ?? id}
              </To>
              <div className="dim">
                {last !== undefined && <To path={`/flow-runs/${last.id}`}>{last.errors?.[0]?.message ?? 'failed'}</To>}{' '}
                <Moment at={last?.startTime} />
              </div>
            </span>
            <Status of="failed" label={`${runs.length}${data?.cursor === undefined ? '' : '+'}`} />
          </li>
        ))}
      </ul>
    </Card>
  )
}
