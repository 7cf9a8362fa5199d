import type { ErrorData, ActionRunLog as WireRunLog } from '@permea/contract'
import type { z } from 'zod'
import { shownJson } from '../api/shown-json.ts'
import { type Customer, customerAnswer } from '../customers/customer.ts'
import { type Integration, integrationAnswer } from '../integrations/integration.ts'
import { fromWire, timeOfId, toWire } from '../platform/ids.ts'

/** One finished run of an action. */
export interface ActionRun {
  id: string
  workspaceId: string
  customerId: string | null
  /** Null where it was a request or code of its own (`POST /act`). */
  actionId: string | null
  actionName: string
  universalActionId: string | null
  integrationActionId: string | null
  connectionActionId: string | null
  integrationId: string | null
  connectionId: string | null
  /** The flow run that ran it, as an id of the wire. */
  sourceId: string | null
  /** JSON texts. */
  input: string | null
  output: string | null
  status: 'success' | 'error'
  error: ErrorData | null
  logs: readonly unknown[]
  meta: Record<string, unknown> | null
  durationMs: number
  completedAt: Date
}

/** Input and output of a run are kept up to this length, as JSON text. */
const KEPT_CHARS_MAX = 1_000_000

/** The value as JSON text; null where it is too long to be kept (or there is none). */
export function keptText(value: unknown): string | null {
  const text = JSON.stringify(value)
  return text === undefined || text.length > KEPT_CHARS_MAX ? null : text
}

export function actionRunAnswer(
  run: ActionRun,
  beside: { customer: Customer | undefined; integration: Integration | undefined; now: Date },
  isWhole: boolean,
): z.input<typeof WireRunLog> {
  const { customer, integration } = beside
  const wire = (id: string | null) => (id === null ? undefined : toWire('act', id))
  const customerId = run.customerId === null ? undefined : toWire('cus', run.customerId)
  return {
    id: toWire('arl', run.id),
    name: run.actionName,
    userId: customerId,
    tenantId: customerId,
    actionId: wire(run.actionId),
    actionInstanceId: wire(run.connectionActionId),
    universalActionId: wire(run.universalActionId),
    integrationActionId: wire(run.integrationActionId),
    connectionActionId: wire(run.connectionActionId),
    integrationId: run.integrationId === null ? undefined : toWire('int', run.integrationId),
    connectionId: run.connectionId === null ? undefined : toWire('con', run.connectionId),
    flowRunId: run.sourceId !== null && fromWire('fr', run.sourceId) !== null ? run.sourceId : undefined,
    ...(isWhole && run.input !== null ? { input: shownJson(run.input) } : {}),
    ...(isWhole && run.output !== null ? { output: shownJson(run.output) } : {}),
    status: run.status,
    error: run.error ?? undefined,
    duration: Math.round(run.durationMs * 10) / 10,
    createdAt: timeOfId(run.id).toISOString(),
    completedAt: run.completedAt.toISOString(),
    meta: run.meta ?? undefined,
    user: customer === undefined ? undefined : customerAnswer(customer, beside.now),
    integration: integration === undefined ? undefined : integrationAnswer(integration),
  }
}
