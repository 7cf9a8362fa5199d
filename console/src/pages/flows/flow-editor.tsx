import { Alert, Button, Group, SegmentedControl, Skeleton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { PermeaError } from '@permea/sdk'
import { IconRoute } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { permea, refreshAll, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { Empty } from '../../parts/empty.tsx'
import { AddNode, NodeForm } from './node-form.tsx'
import { type FlowNodes, nodeProblemsOf, withLink, withNode, withoutLink } from './nodes.ts'

const CodeDiff = lazy(() => import('../../code/code-diff.tsx'))
const FlowGraph = lazy(() => import('./flow-graph.tsx'))

interface FlowEditorProps {
  nodes: FlowNodes
  save(nodes: FlowNodes): Promise<unknown>
  /** Why it cannot be changed. */
  fixed?: string
}

/** The nodes of a flow: on a graph with a form beside it, or as JSON. Nothing is saved before it is asked for. */
export function FlowEditor({ nodes: saved, save, fixed }: FlowEditorProps) {
  const types = useQuery({
    queryKey: ['flow-node-types'],
    queryFn: () => permea.flowNodeTypes.list(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const [view, setView] = useState('graph')
  const [draft, setDraft] = useState<FlowNodes | null>(null)
  const [selected, setSelected] = useState<string | undefined>(Object.keys(saved)[0])
  const nodes = draft ?? saved
  const saving = useMutation({
    mutationFn: () => save(nodes),
    onSuccess() {
      setDraft(null)
      setView('graph')
      refreshAll()
      notifications.show({ message: 'Saved. Customers’ flows follow when they are brought to the newest.' })
    },
  })
  const problems = saving.error instanceof PermeaError ? nodeProblemsOf(saving.error.data) : []
  const kinds = types.data?.items ?? []
  const change = (to: FlowNodes, key: string | undefined) => {
    setDraft(to)
    setSelected(key)
  }
  const addFirst = (
    <AddNode
      types={kinds}
      label="Add a trigger"
      only="triggers"
      onAdd={(type) => {
        const made = withNode(nodes, type, null)
        change(made.nodes, made.key)
      }}
    />
  )
  return (
    <div className="stack">
      <Group justify="space-between" gap="xs">
        <SegmentedControl
          size="xs"
          value={view}
          onChange={setView}
          data={[
            { value: 'graph', label: 'Graph' },
            { value: 'json', label: 'JSON' },
            { value: 'changes', label: 'Changes', disabled: draft === null },
          ]}
          aria-label="How the flow is shown"
        />
        {fixed === undefined ? (
          <Group gap="xs">
            {view === 'graph' && Object.keys(nodes).length > 0 && addFirst}
            <Button
              size="xs"
              variant="default"
              disabled={draft === null}
              onClick={() => change(saved, Object.keys(saved)[0])}
            >
              Undo changes
            </Button>
            <Button size="xs" disabled={draft === null} loading={saving.isPending} onClick={() => saving.mutate()}>
              Save nodes
            </Button>
          </Group>
        ) : (
          <span className="dim">{fixed}</span>
        )}
      </Group>
      {saving.error !== null && (
        <Alert
          role="alert"
          color="red"
          variant="outline"
          title="Not saved"
          styles={{ message: { color: 'var(--bad)' } }}
        >
          {problems.length === 0
            ? wordsOf(saving.error)
            : problems.map((each) => (
                <div key={`${each.nodeKey} ${each.path} ${each.message}`}>
                  <code>{[each.nodeKey, each.path].filter(Boolean).join(': ')}</code> {each.message}
                </div>
              ))}
        </Alert>
      )}
      {view === 'changes' ? (
        <div className="code-box">
          <Suspense fallback={<Skeleton height={240} />}>
            <CodeDiff
              label="What saving changes"
              before={JSON.stringify(saved, null, 2)}
              after={JSON.stringify(nodes, null, 2)}
            />
          </Suspense>
        </div>
      ) : view === 'json' ? (
        <NodesAsJson nodes={nodes} onChange={(to) => change(to, Object.keys(to)[0])} />
      ) : Object.keys(nodes).length === 0 ? (
        <Empty icon={IconRoute} title="Nothing happens yet" action={fixed === undefined ? addFirst : undefined}>
          A flow begins with a trigger: what it waits for. Then come the steps.
        </Empty>
      ) : (
        <div className="flow-editor">
          <div className="flow-canvas">
            <Suspense fallback={<Skeleton height="100%" />}>
              <FlowGraph
                nodes={nodes}
                types={kinds}
                selected={selected}
                bad={new Set(problems.flatMap((each) => each.nodeKey ?? []))}
                onSelect={setSelected}
                onConnect={(from, to) => change(withLink(nodes, from, to), from)}
                onDisconnect={(from, to) => change(withoutLink(nodes, from, to), from)}
              />
            </Suspense>
          </div>
          <div className="flow-form">
            {selected !== undefined && nodes[selected] !== undefined ? (
              <NodeForm nodes={nodes} nodeKey={selected} types={kinds} problems={problems} onChange={change} />
            ) : (
              <p className="dim">Choose a node of the graph to see and change it.</p>
            )}
          </div>
        </div>
      )}
    </div>
  )
}

function NodesAsJson({ nodes, onChange }: { nodes: FlowNodes; onChange(nodes: FlowNodes): void }) {
  const [text, setText] = useState(() => JSON.stringify(nodes, null, 2))
  const [problem, setProblem] = useState<string | undefined>()
  return (
    <CodeField
      label="Nodes as JSON"
      language="json"
      value={text}
      error={problem}
      minHeight={320}
      onChange={(to) => {
        setText(to)
        try {
          onChange(JSON.parse(to) as FlowNodes)
          setProblem(undefined)
        } catch (error) {
          setProblem(`Not valid JSON yet: ${(error as Error).message}`)
        }
      }}
    />
  )
}
