import { Alert, Button, Group, SegmentedControl, Skeleton } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { PermeaError } from '@permea/sdk'
import { IconRoute } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { permea, refreshed, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { DraftNotice } from '../../forms/draft-notice.tsx'
import { useDraft } from '../../forms/drafts.ts'
import { isSameJson } from '../../forms/same.ts'
import { type Unfinished, UnfinishedAround, type UnfinishedTexts } from '../../forms/unfinished.tsx'
import { objectText, readObject, useValueText } from '../../forms/value-text.ts'
import { Empty } from '../../parts/empty.tsx'
import { type EndpointName, refusalOf } from '../../session/may.ts'
import type { NodeSchemas } from './last-event.ts'
import { AddNode, NodeForm } from './node-form.tsx'
import type { TrialOf } from './node-trial.tsx'
import { type FlowNodes, nodeProblemsOf, withLink, withNode, withoutLink } from './nodes.ts'

const CodeDiff = lazy(() => import('../../code/code-diff.tsx'))
const FlowGraph = lazy(() => import('./flow-graph.tsx'))

interface FlowEditorProps {
  /** What unsaved work is kept under. */
  draft: string
  nodes: FlowNodes
  trialOf: TrialOf
  /** The flow, whose nodes that work with records tell what they give. */
  flowId?: string | undefined
  /** What saving calls. */
  needs: EndpointName
  save(nodes: FlowNodes): Promise<unknown>
  /** Why it cannot be changed. */
  fixed?: string
}

/** What is being worked on: the nodes, what they were when it began, and texts that are no value yet. */
interface Work {
  nodes: FlowNodes
  base: FlowNodes
  texts: UnfinishedTexts
}

/** The nodes of a flow: on a graph with a form beside it, or as JSON. Nothing is saved before it is asked for. */
export function FlowEditor(props: FlowEditorProps) {
  return <EditorOf key={props.draft} {...props} />
}

const NO_SCHEMAS: NodeSchemas = {}

function EditorOf({ draft: name, nodes: saved, trialOf, flowId, needs, save, fixed: isFixed }: FlowEditorProps) {
  const fixed = isFixed ?? refusalOf(needs) ?? undefined
  const { data: schemas = NO_SCHEMAS } = useQuery({
    queryKey: ['flow', 'node-schemas', flowId, saved],
    queryFn: () => permea.flows.nodeSchemas({ params: { selector: flowId ?? '' } }),
    enabled: flowId !== undefined,
    staleTime: 60_000,
  })
  const types = useQuery({
    queryKey: ['flow-node-types'],
    queryFn: () => permea.flowNodeTypes.list(),
    staleTime: Number.POSITIVE_INFINITY,
  })
  const [view, setView] = useState('graph')
  const draft = useDraft<Work>(name)
  const work = useRef(draft.value)
  const [selected, setSelected] = useState<string | undefined>(Object.keys(saved)[0])
  const nodes = draft.value?.nodes ?? saved
  const texts = draft.value?.texts ?? NO_TEXTS
  const put = (to: Work | null) => {
    work.current = to
    draft.set(to)
  }
  const update = (changes: Partial<Work>) => {
    const to = { ...(work.current ?? { nodes: saved, base: saved, texts: NO_TEXTS }), ...changes }
    put(isSameJson(to.nodes, saved) && Object.keys(to.texts).length === 0 ? null : to)
  }
  const putText = useCallback((place: string, text: Unfinished | null) => {
    const { [place]: _, ...others } = work.current?.texts ?? NO_TEXTS
    latestUpdate.current({ texts: text === null ? others : { ...others, [place]: text } })
  }, [])
  const latestUpdate = useRef(update)
  useEffect(() => {
    latestUpdate.current = update
  })
  const saving = useMutation({
    async mutationFn() {
      const sent = work.current
      const unfinished = Object.entries(sent?.texts ?? NO_TEXTS)[0]
      if (unfinished !== undefined) throw new Error(`${unfinished[0]}: ${unfinished[1].problem}`)
      await save(sent?.nodes ?? saved)
      await refreshed()
      return sent
    },
    onSuccess(sent) {
      // What was typed while it was being saved is not saved yet.
      if (work.current === sent) {
        put(null)
        setView('graph')
      } else if (work.current !== null && sent !== null) put({ ...work.current, base: sent.nodes })
      notifications.show({ message: 'Saved. Customers’ flows follow when they are brought to the newest.' })
    },
  })
  const isOvertaken = draft.value !== null && !saving.isPending && !isSameJson(draft.value.base, saved)
  const problems = saving.error instanceof PermeaError ? nodeProblemsOf(saving.error.data) : []
  const kinds = types.data?.items ?? []
  const change = (to: FlowNodes, key: string | undefined) => {
    update({ nodes: to, texts: textsOf(to, work.current?.texts ?? NO_TEXTS) })
    setSelected(key)
  }
  const undo = () => {
    put(null)
    saving.reset()
    setSelected((now) => (now !== undefined && saved[now] !== undefined ? now : Object.keys(saved)[0]))
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
    <UnfinishedAround texts={texts} put={putText} prefix="">
      <div className="stack">
        <Group justify="space-between" gap="xs">
          <SegmentedControl
            size="xs"
            value={view}
            onChange={setView}
            data={[
              { value: 'graph', label: 'Graph' },
              { value: 'json', label: 'JSON' },
              { value: 'changes', label: 'Changes', disabled: draft.value === null },
            ]}
            aria-label="How the flow is shown"
          />
          {fixed === undefined ? (
            <Group gap="xs">
              {view === 'graph' && Object.keys(nodes).length > 0 && addFirst}
              <Button size="xs" variant="default" disabled={draft.value === null} onClick={undo}>
                Undo changes
              </Button>
              <Button
                size="xs"
                disabled={draft.value === null}
                loading={saving.isPending}
                onClick={() => saving.mutate()}
              >
                Save nodes
              </Button>
            </Group>
          ) : (
            <span className="dim">{fixed}</span>
          )}
        </Group>
        <DraftNotice keptAt={draft.keptAt} onDiscard={undo} />
        {isOvertaken && (
          <Alert role="alert" color="yellow" variant="outline">
            The flow was changed elsewhere since you began. Saving puts your nodes in the place of those; “Changes”
            shows the difference.
          </Alert>
        )}
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
                <NodeForm
                  nodes={nodes}
                  nodeKey={selected}
                  types={kinds}
                  problems={problems}
                  schemas={schemas}
                  trialOf={trialOf}
                  onChange={change}
                />
              ) : (
                <p className="dim">Choose a node of the graph to see and change it.</p>
              )}
            </div>
          </div>
        )}
      </div>
    </UnfinishedAround>
  )
}

const NO_TEXTS: UnfinishedTexts = {}

/** Of nodes that are gone, no text is left. */
function textsOf(nodes: FlowNodes, texts: UnfinishedTexts): UnfinishedTexts {
  return Object.fromEntries(
    Object.entries(texts).filter(([place]) => place === WHOLE || nodes[place.split(': ')[0] ?? ''] !== undefined),
  )
}

const WHOLE = 'Nodes as JSON'

function NodesAsJson({ nodes, onChange }: { nodes: FlowNodes; onChange(nodes: FlowNodes): void }) {
  const { text, problem, write } = useValueText({
    place: WHOLE,
    value: nodes,
    textOf: objectText,
    read: readObject,
    onChange: (to) => onChange(to as FlowNodes),
  })
  return <CodeField label={WHOLE} language="json" value={text} error={problem} minHeight={320} onChange={write} />
}
