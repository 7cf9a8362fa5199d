import {
  ActionIcon,
  Button,
  Group,
  Menu,
  MultiSelect,
  NumberInput,
  Select,
  Tabs,
  TextInput,
  Tooltip,
} from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import { ConditionField } from '../../conditions/condition-field.tsx'
import { CodeField } from '../../forms/code-field.tsx'
import { type FormSchema, SchemaForm } from '../../forms/schema-form.tsx'
import type { FormScope } from '../../forms/scope.ts'
import { objectText, readObject, useValueText } from '../../forms/value-text.ts'
import { type NodeSchemas, schemaSamples, useSamples } from './last-event.ts'
import { NodeTrial, type TrialOf } from './node-trial.tsx'
import {
  type FlowNode,
  type FlowNodes,
  type NodeProblem,
  type NodeType,
  nodesBefore,
  renamed,
  typeOf,
  withLinkFilter,
  withNode,
  withoutNode,
} from './nodes.ts'

interface NodeFormProps {
  nodes: FlowNodes
  schemas: NodeSchemas
  nodeKey: string
  types: readonly NodeType[]
  problems: readonly NodeProblem[]
  trialOf: TrialOf
  onChange(nodes: FlowNodes, selected: string | undefined): void
}

/** One node of a flow: its form, made from what its kind is configured by, and itself as JSON. */
export function NodeForm({ nodes, schemas, nodeKey, types, problems, trialOf, onChange }: NodeFormProps) {
  const node = nodes[nodeKey]
  if (node === undefined) return null
  const type = typeOf(node, types)
  const set = (to: FlowNode) => onChange({ ...nodes, [nodeKey]: to }, nodeKey)
  const own = problems.filter((each) => each.nodeKey === nodeKey)
  return (
    <section aria-label={`Node ${nodeKey}`} className="stack">
      <div className="node-head">
        <div>
          <h3 className="section-title">{node.name ?? nodeKey}</h3>
          <p className="dim">{type?.summary ?? node.type}</p>
        </div>
        <Group gap={6} wrap="nowrap">
          <AddNode types={types} label="Then" onAdd={(kind) => add(kind)} only="steps" />
          <Tooltip label="Take this node out">
            <ActionIcon
              variant="default"
              aria-label={`Take out ${node.name ?? nodeKey}`}
              onClick={() => onChange(withoutNode(nodes, nodeKey), undefined)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      </div>
      {own.map((problem) => (
        <p key={`${problem.path} ${problem.message}`} className="exchange-error" role="alert">
          {problem.path !== '' && <code>{problem.path}</code>} {problem.message}
        </p>
      ))}
      <Tabs defaultValue="form" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="form">Form</Tabs.Tab>
          <Tabs.Tab value="json">Node as JSON</Tabs.Tab>
          {type?.isTrigger === false && <Tabs.Tab value="trial">Try it</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="form" pt="md">
          <Fields
            key={nodeKey}
            nodes={nodes}
            schemas={schemas}
            nodeKey={nodeKey}
            node={node}
            type={type}
            problems={own}
            set={set}
            onChange={onChange}
          />
        </Tabs.Panel>
        <Tabs.Panel value="json" pt="md">
          <NodeJson key={nodeKey} nodeKey={nodeKey} node={node} onChange={set} />
        </Tabs.Panel>
        {type?.isTrigger === false && (
          <Tabs.Panel value="trial" pt="md">
            <NodeTrial key={nodeKey} of={trialOf} nodeKey={nodeKey} node={node} />
          </Tabs.Panel>
        )}
      </Tabs>
    </section>
  )

  function add(kind: NodeType): void {
    const made = withNode(nodes, kind, nodeKey)
    onChange(made.nodes, made.key)
  }
}

interface FieldsProps {
  nodes: FlowNodes
  schemas: NodeSchemas
  nodeKey: string
  node: FlowNode
  type: NodeType | undefined
  problems: readonly NodeProblem[]
  set(node: FlowNode): void
  onChange(nodes: FlowNodes, selected: string | undefined): void
}

function Fields({ nodes, schemas, nodeKey, node, type, problems, set, onChange }: FieldsProps) {
  const others = Object.keys(nodes).filter((key) => key !== nodeKey)
  const last = useSamples(nodes, nodeKey)
  // What really came says more than its type.
  const samples = useMemo(
    () => new Map([...schemaSamples(schemas, [...nodesBefore(nodes, nodeKey), nodeKey]), ...last]),
    [schemas, nodes, nodeKey, last],
  )
  const scope = useMemo(() => {
    const before = nodesBefore(nodes, nodeKey)
    const keys = Object.keys(nodes).filter((key) => key !== nodeKey)
    // What a step gives is there after it only; of what a trigger gives, it may say itself what it takes.
    const isThere = (path: string) => type?.isTrigger === true || !isOf(path, nodeKey)
    const there = new Map([...samples].filter(([path]) => isThere(path)))
    return { nodeKeys: keys, paths: pathsOf(before, there), samples: there }
  }, [nodes, nodeKey, type, samples])
  const outScope = useMemo(
    () => ({ ...scope, paths: pathsOf([nodeKey, ...nodesBefore(nodes, nodeKey)], samples), samples }),
    [scope, nodes, nodeKey, samples],
  )
  const byPath = Object.fromEntries(
    problems
      .filter(({ path }) => path.startsWith('config'))
      .map(({ path, message }) => [path.replace(/^config\.?/, ''), message]),
  )
  const schema = type?.configSchema
  const linkable = others.filter((key) => nodes[key] !== undefined)
  return (
    <div className="stack">
      <TextInput
        label="Name"
        value={node.name ?? ''}
        onChange={(event) => set({ ...node, name: event.currentTarget.value })}
      />
      {typeof schema === 'object' && Object.keys((schema as FormSchema).properties ?? {}).length > 0 && (
        <SchemaForm
          schema={schema as FormSchema}
          value={node.config}
          onChange={(config) => set({ ...node, config })}
          scope={scope}
          problems={byPath}
          at={`${nodeKey}: `}
        />
      )}
      <MultiSelect
        label="Goes on to"
        description="The nodes that follow this one"
        data={linkable.map((key) => ({ value: key, label: nodes[key]?.name ?? key }))}
        value={(node.links ?? []).flatMap((link) => link.key ?? [])}
        onChange={(keys) =>
          set({ ...node, links: keys.map((key) => node.links?.find((link) => link.key === key) ?? { key }) })
        }
      />
      <WaysOut nodes={nodes} nodeKey={nodeKey} node={node} set={set} scope={outScope} problems={problems} />
      {type?.isTrigger !== true && (
        <Group grow align="flex-start">
          <Select
            label="When it fails"
            data={[
              { value: 'stop', label: 'Nothing follows it' },
              { value: 'continue', label: 'Go on with the error' },
            ]}
            value={node.onError ?? 'stop'}
            onChange={(to) => set({ ...node, onError: to === 'continue' ? 'continue' : 'stop' })}
            allowDeselect={false}
          />
          <NumberInput
            label="At the same time"
            min={1}
            max={100}
            placeholder="1"
            value={node.concurrency ?? ''}
            onChange={(to) => set(withConcurrency(node, to))}
          />
        </Group>
      )}
      <KeyField nodes={nodes} nodeKey={nodeKey} onChange={onChange} />
    </div>
  )
}

interface WaysOutProps extends Pick<FieldsProps, 'nodes' | 'nodeKey' | 'node' | 'set' | 'problems'> {
  scope: FormScope
}

/** When each way out is taken. A branch takes the first whose condition holds, any other node all of them. */
function WaysOut({ nodes, nodeKey, node, set, scope, problems }: WaysOutProps) {
  const links = (node.links ?? []).flatMap(({ key, filter }) =>
    key !== undefined && nodes[key] !== undefined ? [{ key, filter }] : [],
  )
  if (links.length === 0) return null
  return links.map(({ key, filter }, at) => (
    <ConditionField
      key={key}
      label={`To ${nodes[key]?.name ?? key}, if`}
      description={
        node.type === 'branch' && at === links.length - 1 && filter === undefined
          ? 'Without a condition it takes everything else'
          : undefined
      }
      error={problems.find(({ path }) => path.startsWith(`links[${at}]`))?.message}
      path={`${nodeKey}: to ${key}`}
      value={filter ?? undefined}
      onChange={(to) => set(withLinkFilter(node, key, to))}
      scope={scope}
    />
  ))
}

function withConcurrency({ concurrency: _, ...node }: FlowNode, to: number | string): FlowNode {
  return typeof to === 'number' ? { ...node, concurrency: to } : node
}

/** Formulas name nodes by their key, so it is changed on purpose only. */
function KeyField({ nodes, nodeKey, onChange }: Pick<FieldsProps, 'nodes' | 'nodeKey' | 'onChange'>) {
  const [key, setKey] = useState(nodeKey)
  const isTaken = key !== nodeKey && nodes[key] !== undefined
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label="Key"
        description={`Formulas see what it gives as $.input.${nodeKey}`}
        error={isTaken ? 'Another node has this key' : undefined}
        value={key}
        onChange={(event) => setKey(event.currentTarget.value)}
        style={{ flex: 1 }}
      />
      <Button
        variant="default"
        disabled={key === nodeKey || isTaken || key.trim() === ''}
        onClick={() => onChange(renamed(nodes, nodeKey, key), key)}
      >
        Rename
      </Button>
    </Group>
  )
}

function NodeJson({ nodeKey, node, onChange }: { nodeKey: string; node: FlowNode; onChange(node: FlowNode): void }) {
  const { text, problem, write } = useValueText({
    place: `${nodeKey}: as JSON`,
    value: node,
    textOf: objectText,
    read: readObject,
    onChange: (to) => onChange(to as FlowNode),
  })
  return <CodeField label="Node as JSON" language="json" value={text} error={problem} onChange={write} />
}

interface AddNodeProps {
  types: readonly NodeType[]
  label: string
  only: 'triggers' | 'steps'
  onAdd(type: NodeType): void
}

export function AddNode({ types, label, only, onAdd }: AddNodeProps) {
  return (
    <Menu position="bottom-end" width={320}>
      <Menu.Target>
        <Button size="xs" variant="default" leftSection={<IconPlus size={14} />}>
          {label}
        </Button>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        {types
          .filter((type) => type.isTrigger === (only === 'triggers'))
          .map((type) => (
            <Menu.Item key={type.type} onClick={() => onAdd(type)}>
              <strong>{type.title}</strong>
              <div className="dim">{type.summary}</div>
            </Menu.Item>
          ))}
      </Menu.Dropdown>
    </Menu>
  )
}

const isOf = (path: string, nodeKey: string) => /^\$\.input\.([^.[]+)/.exec(path)?.[1] === nodeKey

/** What formulas of a node can begin with: what the nodes before it give, and who it runs for. */
function pathsOf(before: readonly string[], samples: ReadonlyMap<string, string>): string[] {
  const own = before.map((key) => `$.input.${key}`)
  return [
    ...samples.keys(),
    ...own.filter((path) => !samples.has(path)),
    '$.user.id',
    '$.user.name',
    '$.user.internalId',
    '$.user.fields',
    '$.connection.id',
    '$.integration.key',
    '$.flowRun.id',
    '$.flowInstance.parameters',
  ]
}
