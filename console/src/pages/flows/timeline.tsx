import { Alert, Skeleton, UnstyledButton } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { IconChevronRight } from '@tabler/icons-react'
import { useQueries, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type AnswerOf, type ItemOf, permea } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { between, duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { useUrlState } from '../../records/url-state.ts'
import { NodeLogs } from './node-logs.tsx'

type Run = AnswerOf<typeof permea.flowRuns.get>
type NodeRun = ItemOf<typeof permea.flowRuns.nodeRuns>

/** Of one node; a loop may have many more. */
const SHOWN_OF_NODE = 50

/** The runs of the nodes in the order they began, each with where in time it was and, opened, all there is of it. */
export function Timeline({ run }: { run: Run }) {
  const keys = Object.keys(run.nodes ?? {})
  const found = useQueries({
    queries: keys.map((nodeKey) => ({
      // With the counts: when they change, so did the runs of the node.
      queryKey: ['flow-run', 'nodes', run.id, nodeKey, JSON.stringify(run.nodes?.[nodeKey])],
      queryFn: () => permea.flowRuns.nodeRuns({ params: { id: run.id, nodeKey }, query: { limit: SHOWN_OF_NODE } }),
    })),
  })
  const { search, change } = useUrlState()
  const nodeRuns = found
    .flatMap((each) => each.data?.items ?? [])
    .sort((a, b) => Date.parse(a.startedAt) - Date.parse(b.startedAt) || (a.id < b.id ? -1 : 1))
  const error = found.find((each) => each.error !== null)?.error
  const isLoading = found.some((each) => each.isPending)
  const failed = nodeRuns.find((each) => each.status === 'failed')
  const stopped = failed === undefined ? nodeRuns.filter((each) => each.status === 'skipped') : []
  const open = search.node ?? failed?.id ?? stopped[0]?.id
  const hidden = found.filter((each) => each.data?.cursor !== undefined).length
  if (error !== undefined && error !== null) return <Failure error={error} />
  return (
    <section aria-label="Timeline">
      <h3 className="section-title">Timeline</h3>
      {isLoading && <Skeleton height={120} />}
      {stopped.length > 0 && (
        <Alert variant="outline" color="gray" role="status" mb="sm">
          Stopped by{' '}
          {[...new Set(stopped.map((each) => run.flowInstance?.nodes[each.nodeKey]?.name ?? each.nodeKey))].map(
            (name, at) => (
              <em key={name}>
                {at > 0 && ', '}
                {name}
              </em>
            ),
          )}
          : the condition did not hold, so nothing that follows ran.
        </Alert>
      )}
      {!isLoading && nodeRuns.length === 0 && (
        <p className="dim">
          {run.state === 'queued' ? 'It waits for its turn.' : 'No node is finished yet.'} What happens appears here.
        </p>
      )}
      <ol className="timeline">
        {nodeRuns.map((each) => (
          <Step
            key={each.id}
            run={run}
            nodeRun={each}
            isOpen={open === each.id}
            onToggle={() => change({ node: open === each.id ? 'none' : each.id })}
          />
        ))}
      </ol>
      {hidden > 0 && (
        <p className="dim">Of nodes that ran more often, the first {SHOWN_OF_NODE} runs are shown; the API has all.</p>
      )}
    </section>
  )
}

interface StepProps {
  run: Run
  nodeRun: NodeRun
  isOpen: boolean
  onToggle(): void
}

function Step({ run, nodeRun, isOpen, onToggle }: StepProps) {
  const node = run.flowInstance?.nodes[nodeRun.nodeKey]
  const { left, width } = placeInTime(run, nodeRun)
  return (
    <li>
      <UnstyledButton className="step" aria-expanded={isOpen} onClick={onToggle}>
        <IconChevronRight size={15} aria-hidden className="step-arrow" data-open={isOpen} />
        <span className="step-name">
          <strong>{node?.name ?? nodeRun.nodeKey}</strong>
          <span className="dim">{node?.type ?? nodeRun.nodeKey}</span>
        </span>
        <Status of={nodeRun.status} />
        <span className="step-time">{between(nodeRun.startedAt, nodeRun.endedAt)}</span>
        <span className="step-track" aria-hidden>
          <span className="step-bar" data-status={nodeRun.status} style={{ left: `${left}%`, width: `${width}%` }} />
        </span>
      </UnstyledButton>
      {isOpen && <Details run={run} nodeRun={nodeRun} />}
    </li>
  )
}

/** Where the node run lies between the launch of the run and its end, in percent. */
function placeInTime(run: Run, nodeRun: NodeRun): { left: number; width: number } {
  const startMs = Date.parse(run.startTime)
  const spanMs = Math.max(1, Date.parse(run.endTime ?? nodeRun.endedAt) - startMs)
  const left = Math.min(98, Math.max(0, (100 * (Date.parse(nodeRun.startedAt) - startMs)) / spanMs))
  const width = (100 * (Date.parse(nodeRun.endedAt) - Date.parse(nodeRun.startedAt))) / spanMs
  return { left, width: Math.max(1.5, Math.min(100 - left, width)) }
}

function Details({ run, nodeRun }: { run: Run; nodeRun: NodeRun }) {
  const { data, error, isPending } = useQuery({
    queryKey: ['flow-run', 'node', run.id, nodeRun.id],
    queryFn: () => permea.flowRuns.nodeRun({ params: { id: run.id, nodeKey: nodeRun.nodeKey, nodeRunId: nodeRun.id } }),
  })
  if (error !== null) return <Failure error={error} />
  if (isPending) return <Skeleton height={80} />
  return (
    <div className="step-details stack">
      {data.errors.map((each) => (
        <ErrorCard
          key={`${each.key} ${each.message}`}
          error={{ ...each, data: data.logs.length > 0 ? undefined : each.data }}
        />
      ))}
      <p className="dim">
        Began <Moment at={data.startedAt} isExact />, took{' '}
        {duration(Date.parse(data.endedAt) - Date.parse(data.startedAt))}
        {data.attempts > 1 && `, in ${data.attempts} attempts`}
      </p>
      {nodeRun.nodeKey !== run.startNodeKey && <RepeatFrom run={run} nodeKey={nodeRun.nodeKey} />}
      <NodeLogs logs={data.logs} isFailed={data.status === 'failed'} />
      <div className="pair">
        <div>
          <div className="small-title">Input</div>
          <Json value={data.input} label="input of the node" maxHeight={300} />
        </div>
        <div>
          <div className="small-title">{data.outputs.length > 1 ? `Outputs (${data.outputs.length})` : 'Output'}</div>
          {data.outputs.length === 0 ? (
            <p className="dim">None{data.status === 'skipped' && ': the condition did not hold'}</p>
          ) : (
            <Json value={outputsOf(data)} label="output of the node" maxHeight={300} />
          )}
        </div>
      </div>
    </div>
  )
}

function RepeatFrom({ run, nodeKey }: { run: Run; nodeKey: string }) {
  const navigate = useNavigate()
  return (
    <div>
      <Act
        needs="flowRuns.repeat"
        label="Repeat from here"
        run={() => permea.flowRuns.repeat({ params: { id: run.id }, body: { fromNodeKey: nodeKey } })}
        said="A new run began here: what came before was taken over"
        onDone={(again) => void navigate({ to: `/flow-runs/${again.id}`, search: {} })}
      />
    </div>
  )
}

function outputsOf(data: NodeRun): unknown {
  const values = data.outputs.map((output) => parseExactJson(output.data ?? 'null') as unknown)
  return values.length === 1 ? values[0] : values
}
