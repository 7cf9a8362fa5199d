import { Group, Select } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type AnswerOf, permea, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { readObject } from '../../forms/value-text.ts'
import { ErrorCard } from '../../parts/error-card.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Json } from '../../parts/json.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { duration, Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { NodeLogs } from './node-logs.tsx'
import type { FlowNode } from './nodes.ts'

/** Whose flow a node is tried out in: one customer's, or any of those that have the flow. */
export type TrialOf = { flowInstanceId: string } | { flowId: string }

type Outcome = AnswerOf<typeof permea.flowRuns.tryNode>

const CUSTOMERS_MAX = 50
/** Runs that are looked through for what the node was last given. */
const RUNS_MAX = 5

/** Does one node as it is edited, with what it was given last. */
export function NodeTrial({ of, nodeKey, node }: { of: TrialOf; nodeKey: string; node: FlowNode }) {
  const flowId = 'flowId' in of ? of.flowId : undefined
  const customers = useQuery({
    queryKey: ['flow-instances', 'of-flow', flowId],
    queryFn: () => permea.flowInstances.list({ query: { flowId, limit: CUSTOMERS_MAX } }),
    enabled: flowId !== undefined,
  })
  const choices = (customers.data?.items ?? []).map((each) => ({
    value: each.id,
    label: each.user?.name ?? each.userId,
  }))
  const [chosen, choose] = useState<string | null>(null)
  const id = 'flowInstanceId' in of ? of.flowInstanceId : (chosen ?? choices[0]?.value)
  const given = useQuery({
    queryKey: ['flow-run', 'last-input', id, nodeKey],
    queryFn: () => lastInput(id ?? '', nodeKey),
    enabled: id !== undefined,
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (customers.error !== null) return <Failure error={customers.error} />
  if (flowId !== undefined && customers.isSuccess && choices.length === 0)
    return <p className="dim">No customer has this flow yet. Enable it for one, and its nodes can be tried out.</p>
  return (
    <div className="stack">
      <p className="dim">
        Does this node alone, as it stands here, for a customer. Its effects are real: what it sends is sent.
      </p>
      {flowId !== undefined && (
        <Select
          label="For the customer"
          data={choices}
          value={id ?? null}
          onChange={choose}
          allowDeselect={false}
          searchable
        />
      )}
      {id !== undefined && given.isSuccess && (
        <Form key={`${id} ${nodeKey}`} flowInstanceId={id} nodeKey={nodeKey} node={node} given={given.data} />
      )}
      {given.error !== null && <Failure error={given.error} />}
    </div>
  )
}

interface FormProps {
  flowInstanceId: string
  nodeKey: string
  node: FlowNode
  given: Record<string, unknown>
}

function Form({ flowInstanceId, nodeKey, node, given }: FormProps) {
  const [text, setText] = useState(() => JSON.stringify(given, null, 2))
  const { problem } = readObject(text)
  const trying = useMutation({
    mutationFn: () =>
      permea.flowRuns.tryNode({
        params: { id: flowInstanceId, nodeKey },
        body: { node, input: parseExactJson(text) as Record<string, unknown> },
      }),
  })
  return (
    <>
      <CodeField
        label="Input"
        description="What the nodes before it put out, by their keys; at first what it was given last."
        language="json"
        minHeight={120}
        value={text}
        onChange={setText}
        error={problem ?? (trying.error === null ? undefined : wordsOf(trying.error))}
      />
      <Group>
        <MayButton
          needs="flowRuns.tryNode"
          size="xs"
          loading={trying.isPending}
          disabled={problem !== null}
          onClick={() => trying.mutate()}
        >
          Try it
        </MayButton>
      </Group>
      {trying.data !== undefined && <Came to={trying.data} />}
    </>
  )
}

function Came({ to }: { to: Outcome }) {
  return (
    <section aria-label="What it came to" className="stack">
      <Group gap="xs">
        <Status of={to.status} /> <span className="dim">in {duration(to.durationMs)}</span>
        {to.until !== undefined && (
          <span className="dim">
            it goes on <Moment at={to.until} isExact />
          </span>
        )}
      </Group>
      {to.errors.map((error) => (
        <ErrorCard key={`${error.key} ${error.message}`} error={error} />
      ))}
      <NodeLogs logs={to.logs} isFailed={to.status === 'failed'} />
      {to.outputs.length > 0 && (
        <div>
          <div className="small-title">{to.outputs.length > 1 ? `Outputs (${to.outputs.length})` : 'Output'}</div>
          <Json
            value={to.outputs.length === 1 ? to.outputs[0] : to.outputs}
            label="output of the node"
            maxHeight={300}
          />
        </div>
      )}
    </section>
  )
}

/** What the node was given in the newest run that came to it; else what the newest run began with. */
async function lastInput(flowInstanceId: string, nodeKey: string): Promise<Record<string, unknown>> {
  const { items: runs } = await permea.flowRuns.list({ query: { flowInstanceId, limit: RUNS_MAX } })
  for (const { id } of runs) {
    const { items } = await permea.flowRuns.nodeRuns({ params: { id, nodeKey }, query: { limit: 1 } })
    const [first] = items
    if (first === undefined) continue
    const { input } = await permea.flowRuns.nodeRun({ params: { id, nodeKey, nodeRunId: first.id } })
    if (typeof input === 'object' && input !== null && !Array.isArray(input)) return input as Record<string, unknown>
  }
  const [newest] = runs
  return newest === undefined ? {} : { [newest.startNodeKey]: newest.input }
}
