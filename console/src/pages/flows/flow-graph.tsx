import '@xyflow/react/dist/style.css'
import dagre from '@dagrejs/dagre'
import { useComputedColorScheme } from '@mantine/core'
import { IconAlertTriangleFilled, IconArrowsSplit2, IconBolt, IconWorld } from '@tabler/icons-react'
import { Background, Controls, type Edge, Handle, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react'
import { useMemo } from 'react'
import { edgesOf, type FlowNodes, type NodeType, typeOf } from './nodes.ts'

const WIDTH = 220
const HEIGHT = 62

interface GraphProps {
  nodes: FlowNodes
  types: readonly NodeType[]
  selected?: string | undefined
  /** Keys of nodes with something wrong. */
  bad?: ReadonlySet<string>
  onSelect(key: string): void
  /** Absent where it is only looked at. */
  onConnect?: (from: string, to: string) => void
  onDisconnect?: (from: string, to: string) => void
}

type Shown = Node<
  { title: string; kind: string; isTrigger: boolean; hasEffect: boolean; isLoop: boolean; isBad: boolean },
  'step'
>

/** A flow as a picture, from the trigger down. */
export default function FlowGraph(props: GraphProps) {
  const { nodes, types, selected, bad, onSelect, onConnect, onDisconnect } = props
  const scheme = useComputedColorScheme('light')
  const { shown, edges } = useMemo(() => layOut(nodes, types, bad), [nodes, types, bad])
  const chosen = useMemo(() => shown.map((node) => ({ ...node, selected: node.id === selected })), [shown, selected])
  return (
    <ReactFlow<Shown, Edge>
      key={Object.keys(nodes).length}
      nodes={chosen}
      edges={edges}
      nodeTypes={NODE_TYPES}
      colorMode={scheme}
      fitView
      fitViewOptions={FIT}
      minZoom={0.2}
      nodesDraggable={false}
      nodesConnectable={onConnect !== undefined}
      edgesFocusable={onDisconnect !== undefined}
      deleteKeyCode={onDisconnect === undefined ? null : DELETE_KEYS}
      onNodeClick={(_, node) => onSelect(node.id)}
      onNodesChange={(changes) => {
        for (const change of changes) if (change.type === 'select' && change.selected) onSelect(change.id)
      }}
      onConnect={({ source, target }) => onConnect?.(source, target)}
      onEdgesDelete={(gone) => {
        for (const edge of gone) onDisconnect?.(edge.source, edge.target)
      }}
      onBeforeDelete={onlyEdges}
      proOptions={PRO}
      aria-label="The flow as a graph"
    >
      <Background gap={20} />
      <Controls showInteractive={false} />
    </ReactFlow>
  )
}

/** Nodes are taken out with their button, not by a key that somebody hits by mistake. */
const onlyEdges = async ({ nodes }: { nodes: readonly unknown[] }) => nodes.length === 0

function Step({ data }: NodeProps<Shown>) {
  const Icon = data.isTrigger ? IconBolt : data.isLoop ? IconArrowsSplit2 : IconWorld
  return (
    <div className="graph-node" data-trigger={data.isTrigger} data-bad={data.isBad}>
      {!data.isTrigger && <Handle type="target" position={Position.Top} />}
      <span className="graph-icon" data-effect={data.hasEffect}>
        {data.isTrigger || data.hasEffect || data.isLoop ? <Icon size={16} aria-hidden /> : <span aria-hidden>ƒ</span>}
      </span>
      <span className="graph-words">
        <strong>{data.title}</strong>
        <span className="dim">{data.kind}</span>
      </span>
      {data.isBad && <IconAlertTriangleFilled size={16} className="graph-bad" aria-label="Something is wrong here" />}
      <Handle type="source" position={Position.Bottom} />
    </div>
  )
}

const NODE_TYPES = { step: Step }
const FIT = { maxZoom: 1, padding: 0.15 }
const DELETE_KEYS = ['Backspace', 'Delete']
const PRO = { hideAttribution: true }

function layOut(nodes: FlowNodes, types: readonly NodeType[], bad: ReadonlySet<string> | undefined) {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: 36, ranksep: 52 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const key of Object.keys(nodes)) graph.setNode(key, { width: WIDTH, height: HEIGHT })
  const ways = edgesOf(nodes)
  for (const { from, to } of ways) graph.setEdge(from, to)
  dagre.layout(graph)
  const shown = Object.entries(nodes).map(([key, node]): Shown => {
    const type = typeOf(node, types)
    const { x, y } = graph.node(key)
    const title = node.name ?? key
    const kind = type?.title ?? node.type
    return {
      id: key,
      type: 'step',
      position: { x: x - WIDTH / 2, y: y - HEIGHT / 2 },
      width: WIDTH,
      height: HEIGHT,
      ariaLabel: `${title}, ${kind}`,
      deletable: false,
      data: {
        title,
        kind,
        isTrigger: type?.isTrigger ?? false,
        hasEffect: type?.hasEffect ?? false,
        isLoop: type?.type === 'for-each-v2',
        isBad: bad?.has(key) ?? false,
      },
    }
  })
  const edges = ways.map(
    ({ from, to, kind, isFiltered }): Edge => ({
      id: `${from} ${kind} ${to}`,
      source: from,
      target: to,
      deletable: kind === 'link',
      animated: kind === 'inner',
      ...(kind === 'inner' ? { label: 'each item' } : isFiltered ? { label: 'if' } : {}),
      ariaLabel: `${from} leads to ${to}`,
    }),
  )
  return { shown, edges }
}
