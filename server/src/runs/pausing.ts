import type { FlowRun } from '@permea/contract'
import type { z } from 'zod'
import type { NodeOutcome } from '../flows/node-type.ts'
import type { PlannedNode } from '../flows/plan.ts'
import { comparedText, type EventSource, waitKey } from './event-waits.ts'
import { nodeRetryDelayMs } from './retry.ts'
import type { Waiting } from './run.ts'

type WaitingNode = Waiting[string]

/** Characters of the value that are shown. */
const SHOWN_MAX = 200

/** What a node run waits for that is worth another try; null once the tries are spent. */
export function tryAgainLater(
  outcome: Extract<NodeOutcome, { kind: 'retry' }>,
  of: { attempts: number; logs: readonly unknown[]; startedAt: Date; now: Date; jitter: number },
): WaitingNode | null {
  const { attempts, startedAt, now, jitter } = of
  const delayMs = nodeRetryDelayMs({ attemptsMade: attempts, retryAfterMs: outcome.afterMs, jitter })
  if (delayMs === null) return null
  const note = { type: 'error', at: startedAt.toISOString(), message: `attempt ${attempts}: ${outcome.error.message}` }
  return { attempts, untilMs: now.getTime() + delayMs, logs: [...of.logs, note] }
}

/** What a node run waits for that waits for an event; an error where it cannot. */
export function awaiting(
  outcome: Extract<NodeOutcome, { kind: 'await' }>,
  source: EventSource | null,
  { key: nodeKey, mask }: Pick<PlannedNode, 'key' | 'mask'>,
): WaitingNode | Extract<NodeOutcome, { kind: 'failed' }> {
  const { event, field, untilMs } = outcome
  const value = field === '' ? '' : comparedText(outcome.value)
  const failed = (message: string) =>
    ({ kind: 'failed', error: { type: 'configuration', key: 'wait_invalid', message } }) as const
  if (value === null || (field !== '' && value === ''))
    return failed(`what ${field} is to equal came out as no single value`)
  if (source === null) return failed('the flow is not enabled, or was changed: nothing tells of the event')
  const shown = value.length > SHOWN_MAX ? `${value.slice(0, SHOWN_MAX)}…` : value
  const compared = field === '' ? {} : { field, value: shown }
  const log = { type: 'wait', nodeKey, event, ...compared, until: new Date(untilMs).toISOString() }
  return {
    attempts: 0,
    untilMs,
    logs: [mask === null ? log : mask.value(log)],
    isPause: true,
    awaits: waitKey(source, field, value),
  }
}

/** What a node run waits for, as it is shown. */
export function awaitedEvent(about: string): AwaitedEvent {
  const { type: _, ...awaited } = JSON.parse(about) as AwaitedEvent & { type: string }
  return awaited
}

type AwaitedEvent = NonNullable<z.input<typeof FlowRun>['waitsFor']>[number]
