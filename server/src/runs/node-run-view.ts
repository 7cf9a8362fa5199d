import { parseExactJson } from '@permea/contract'
import { shownJson } from '../api/shown-json.ts'
import type { Mask } from '../exchanges/mask.ts'
import { recordedBody } from '../exchanges/recorded.ts'
import type { Database } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import { LAUNCHED_WITH } from '../steps/http-step.ts'
import type { NodeRun } from './node-run.ts'
import { nodeRunsAtPaths, nodeRunsBelow } from './node-run-store.ts'
import { type NodeRunAnswer, outputWireId, type RunRow } from './run.ts'

/** The places above this one: `a>0.b>e2.c` is below `a` and `a>0.b`. */
function ancestorsOf(path: string): string[] {
  const steps = path.split('>')
  return steps.slice(1).map((_, index) => steps.slice(0, index + 1).join('>'))
}

/** The last step of a path: which output of the one above (or which item) it was given, which page it is, and its node. */
function lastStep(path: string): { isItem: boolean; index: number; nodeKey: string } {
  const step = path.slice(path.lastIndexOf('>') + 1)
  const match = /^(e?)(\d+)(?:~\d+)?\.(.*)$/.exec(step)
  if (match === null || !path.includes('>')) return { isItem: false, index: 0, nodeKey: decodeURIComponent(step) }
  return { isItem: match[1] === 'e', index: Number(match[2]), nodeKey: decodeURIComponent(match[3] ?? '') }
}

/** Only the trigger and filters hand on what they were fed; the value comes from further up. */
function outputsOf(path: string, records: ReadonlyMap<string, NodeRun>, runInput: unknown): unknown[] {
  const record = records.get(path)
  if (record === undefined) return []
  if (record.outputs !== null) {
    const outputs = shownJson(record.outputs)
    return Array.isArray(outputs) ? outputs : [outputs]
  }
  return [fedTo(path, records, runInput)]
}

function fedTo(path: string, records: ReadonlyMap<string, NodeRun>, runInput: unknown): unknown {
  const cut = path.lastIndexOf('>')
  if (cut < 0) return runInput
  const step = lastStep(path)
  if (step.isItem) return parseExactJson(records.get(path)?.item ?? 'null') as unknown
  return outputsOf(path.slice(0, cut), records, runInput)[step.index]
}

/** What a node run was given: put together from what came before it, which is stored once. */
function inputOf(path: string, records: ReadonlyMap<string, NodeRun>, runInput: unknown): unknown {
  const steps = path.split('>')
  let input = runInput
  for (let depth = 1; depth < steps.length; depth += 1) {
    const here = steps.slice(0, depth + 1).join('>')
    const above = steps.slice(0, depth).join('>')
    const given = lastStep(here).isItem ? { item: fedTo(here, records, runInput) } : fedTo(here, records, runInput)
    input = {
      ...(typeof input === 'object' && input !== null && !Array.isArray(input) ? input : {}),
      [lastStep(above).nodeKey]: given,
    }
  }
  return input
}

/** Node runs as they are shown: with their input, what fed them and what they fed, without the secrets of the flow's nodes. */
export async function nodeRunAnswers(
  database: Database,
  run: RunRow,
  nodeRuns: readonly NodeRun[],
  { withData, mask }: { withData: boolean; mask: Mask | null },
): Promise<NodeRunAnswer[]> {
  const shown = (value: unknown) => (mask === null ? value : mask.value(value))
  const paths = nodeRuns.map((each) => each.path)
  const [above, below] = await Promise.all([
    nodeRunsAtPaths(
      database.db,
      run,
      paths.flatMap((path) => [path, ...ancestorsOf(path)]),
    ),
    nodeRunsBelow(database.db, run, paths),
  ])
  const runInput: unknown = shownJson(run.input ?? 'null')
  return nodeRuns.map((nodeRun) => {
    const outputs = nodeRun.status === 'completed' ? outputsOf(nodeRun.path, above, runInput) : []
    const parent = above.get(nodeRun.path.slice(0, Math.max(0, nodeRun.path.lastIndexOf('>'))))
    const step = lastStep(nodeRun.path)
    return {
      id: toWire('nr', nodeRun.id),
      nodeKey: nodeRun.nodeKey,
      upstreamRuns:
        parent === undefined || step.isItem
          ? []
          : [
              {
                nodeKey: parent.nodeKey,
                runId: toWire('nr', parent.id),
                outputId: outputWireId(parent.id, step.index),
              },
            ],
      input: shown(inputOf(nodeRun.path, above, runInput)),
      status: nodeRun.status,
      logs: nodeRun.logs.map((each) => withBody(each, run.input)),
      outputs: outputs.map((output, index) => ({
        id: outputWireId(nodeRun.id, index),
        ...(withData ? { data: JSON.stringify(shown(output ?? null)) } : {}),
        downstreamRuns: below
          .filter(
            ({ path }) =>
              /^[.~]/.test(path.slice(`${nodeRun.path}>${index}`.length)) &&
              path.startsWith(`${nodeRun.path}>${index}`),
          )
          .map((each) => ({ runId: toWire('nr', each.id), nodeKey: each.nodeKey })),
      })),
      errors: nodeRun.errors,
      startedAt: nodeRun.startedAt.toISOString(),
      endedAt: nodeRun.endedAt.toISOString(),
      attempts: nodeRun.attempts,
    }
  })
}

/** A record of an exchange whose body stands for the run's input, with that as it would have been kept. */
function withBody(record: unknown, input: string | null): unknown {
  if (typeof record !== 'object' || record === null || !('request' in record)) return record
  const { request } = record as { request: Record<string, unknown> | null }
  const body = request?.body
  if (typeof body !== 'object' || body === null || !(LAUNCHED_WITH in body)) return record
  const sent = JSON.stringify(parseExactJson(input ?? 'null'))
  return { ...record, request: { ...request, body: recordedBody(sent, 'application/json') } }
}

/** The outputs of node runs, each with its value as JSON text. */
export async function outputAnswers(
  database: Database,
  run: RunRow,
  nodeRuns: readonly NodeRun[],
  mask: Mask | null,
): Promise<{ id: string; nodeKey: string; runId: string; data: string }[]> {
  const answers = await nodeRunAnswers(database, run, nodeRuns, { withData: true, mask })
  return answers.flatMap((each) =>
    each.outputs.map(({ id, data }) => ({ id, nodeKey: each.nodeKey, runId: each.id, data: data ?? 'null' })),
  )
}
