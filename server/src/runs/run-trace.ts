import type { NodeOutcome } from '../flows/node-type.ts'
import type { PlannedNode } from '../flows/plan.ts'
import { timeOfId, toWire } from '../platform/ids.ts'
import { LEAVING } from '../platform/lanes.ts'
import { beneathItself, hexOf, spanIdOf, type TracePlace, type Tracing } from '../platform/tracing.ts'
import type { NewRun, RunItem } from './run.ts'

/** What a run tells of itself in its trace. */
export interface RunTrace {
  /** Does a node as a span beneath that of the run. */
  node(node: PlannedNode, attempt: number, work: () => Promise<NodeOutcome>): Promise<NodeOutcome>
  /** It was walked as far as it goes for now. */
  walked(ended: 'completed' | 'failed' | null, signal: AbortSignal): void
}

const UNTRACED: RunTrace = { node: (_node, _attempt, work) => work(), walked() {} }

/** Where things stand that follow from a run; null where it is in no trace. */
export function placeOfRun(run: { id: string; run: Pick<NewRun, 'launchedBy' | 'eventId'> }): TracePlace | null {
  const { trace } = run.run.launchedBy
  return trace === undefined ? null : beneathItself(trace, { id: run.id, traceOf: run.run.eventId ?? run.id })
}

/**
 * A run is one span from when it was made to its end, whichever processes worked it: its id follows from the run's, so
 * that what is beneath it knows it before it is told of.
 */
export function traceRun(tracing: Tracing | null, item: RunItem): RunTrace {
  if (tracing === null) return UNTRACED
  const { run } = item
  const { trace } = run.launchedBy
  const place = placeOfRun(item)
  // Whoever handed it over may stand somewhere; what it does has nothing to do with that.
  if (trace === undefined || place === null)
    return { ...UNTRACED, node: (_node, _attempt, work) => tracing.within(null, work) }
  return {
    async node(node, attempt, work) {
      const attributes = {
        'permea.node.key': node.key,
        'permea.node.type': node.node.type,
        'permea.node.attempt': attempt,
      }
      const span = tracing.begin({ name: `node ${node.node.type}`, beneath: place, attributes })
      const outcome = await tracing.within(span.place, work)
      span.end({ error: 'error' in outcome ? (outcome.error.key ?? outcome.error.type) : null })
      return outcome
    },
    walked(ended, signal) {
      const isStopped = ended === null && signal.aborted && signal.reason !== LEAVING
      if (ended === null && !isStopped) return
      const span = tracing.begin({
        name: 'flow run',
        kind: 'consumer',
        beneath: trace,
        spanId: spanIdOf(item.id),
        traceId: hexOf(run.eventId ?? item.id),
        startedAt: timeOfId(item.id),
        attributes: {
          'permea.workspace.id': run.workspaceId,
          'permea.customer.id': toWire('cus', run.customerId),
          'permea.flow_instance.id': toWire('cf', run.flowInstanceId),
          'permea.flow_run.id': toWire('fr', item.id),
          'permea.flow_run.state': ended ?? 'stopped',
        },
      })
      span.end({ error: ended === 'failed' ? 'failed' : null })
    },
  }
}
