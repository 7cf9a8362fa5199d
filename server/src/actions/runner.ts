import type { ErrorData } from '@permea/contract'
import { schemaProblem } from '../api/json-schema.ts'
import { errorData, Refusal } from '../api/refusal.ts'
import { connectionVariable } from '../connections/connection.ts'
import { userVariable } from '../customers/customer.ts'
import { FormulaTooLarge } from '../formulas/bounds.ts'
import { evaluateFormula } from '../formulas/compile-formula.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import { type Ids, toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { StepCall, StepOutcome, StepServices } from '../steps/step.ts'
import { incompletenessOf } from './action-content.ts'
import { maskOfParts, openedParts } from './action-secrets.ts'
import { ACTION_KINDS } from './action-types.ts'
import { type ActionRun, keptText } from './run-log.ts'
import { insertRun } from './run-log-store.ts'
import type { RunTarget } from './target.ts'

export interface RunnerOptions {
  database: Database
  clock: Clock
  ids: Ids
  sealing: Sealing
  services: StepServices
}

export interface RunRequest {
  input: unknown
  meta: Record<string, unknown> | null
  /** The flow run that asks for it, as an id of the wire. */
  sourceId: string | null
  signal?: AbortSignal | undefined
}

/** What a run came to; `id` is that of its record, as on the wire. */
export type ActionOutcome = { id: string } & (
  | { kind: 'done'; output: unknown }
  | { kind: 'failed'; error: ErrorData; isInputWrong: boolean }
  /** Worth another try, where there is time for one. */
  | { kind: 'retry'; error: ErrorData; afterMs: number | null }
)

/** Runs actions and keeps a record of each run. */
export interface Runner {
  run(target: RunTarget, request: RunRequest): Promise<ActionOutcome>
}

/** Records of one run that are kept. */
const LOGS_MAX = 500

export function createRunner(options: RunnerOptions): Runner {
  const { clock, ids } = options

  return {
    async run(target, request) {
      const id = ids.next()
      const logs: unknown[] = []
      const startedMs = performance.now()
      const input = request.input ?? {}
      const wrong = await inputProblem(target, input)
      const outcome: StepOutcome =
        wrong === null ? await execute(target, { ...request, input }, id, logs) : { kind: 'failed', error: wrong }
      await insertRun(options.database.db, {
        ...recordOf(target, id),
        sourceId: request.sourceId,
        input: keptText(input),
        output: outcome.kind === 'done' ? keptText(outcome.output) : null,
        status: outcome.kind === 'done' ? 'success' : 'error',
        error: outcome.kind === 'done' ? null : outcome.error,
        logs: logs.slice(0, LOGS_MAX),
        meta: request.meta,
        durationMs: performance.now() - startedMs,
        completedAt: clock.now(),
      })
      const wireId = toWire('arl', id)
      return outcome.kind === 'failed'
        ? { ...outcome, id: wireId, isInputWrong: wrong !== null }
        : { ...outcome, id: wireId }
    },
  }

  async function execute(target: RunTarget, request: RunRequest, id: string, logs: unknown[]): Promise<StepOutcome> {
    const { connection, integration, customer } = target
    const runnable = { ...target.runnable, ...openedParts(options.sealing, target.runnable) }
    const [missing] = incompletenessOf(runnable)
    if (missing !== undefined) return { kind: 'failed', error: missing }
    const kind = ACTION_KINDS[runnable.type]
    const config = runnable.config ?? {}
    const { action } = runnable
    const beside = {
      ...(action === null || action.connectionId === null
        ? {}
        : {
            actionInstance: {
              id: toWire('act', action.id),
              ...(action.instanceKey === '' ? {} : { instanceKey: action.instanceKey }),
            },
          }),
      ...(integration === null
        ? {}
        : { integration: { id: toWire('int', integration.id), key: integration.key, name: integration.name } }),
    }
    const user = customer === null ? {} : { user: userVariable(customer) }
    const scope = {
      ...beside,
      ...user,
      ...(connection === null ? {} : { connection: connectionVariable(connection) }),
      input: request.input,
    }
    const mask = maskOfParts(runnable)
    const call: StepCall = {
      services: options.services,
      workspaceId: target.workspaceId,
      user: customer,
      connection,
      integrationId: integration?.id ?? null,
      ownerId: action === null ? toWire('ws', target.workspaceId) : toWire('act', action.id),
      slot: action === null ? 'act' : 'action',
      sourceId: toWire('arl', id),
      errorType: 'action_run',
      signal: request.signal,
      log: (record) => logs.push(mask === null ? record : mask.value(record)),
    }
    const owner = customer?.id ?? target.workspaceId
    let field = 'config'
    try {
      const value = await evaluateFormula(kind.formula(config), scope, { owner })
      const outcome = await kind.execute(call, config, value, { input: request.input, beside })
      if (outcome.kind !== 'done' || runnable.outputMapping === null) return outcome
      const { output } = outcome
      field = 'outputMapping'
      const mapped = await evaluateFormula(runnable.outputMapping, { input: request.input, output, ...user }, { owner })
      return { kind: 'done', output: mapped ?? null }
    } catch (error) {
      if (!(error instanceof FormulaTooLarge)) throw error
      return {
        kind: 'failed',
        error: { type: 'configuration', key: 'formula_too_large', message: `${field}: ${error.message}` },
      }
    }
  }
}

/** What is wrong with the input, naming the part of it. */
async function inputProblem({ runnable, customer }: RunTarget, input: unknown): Promise<ErrorData | null> {
  const { action, inputSchema } = runnable
  if (inputSchema === null || action === null) return null
  const problem = await schemaProblem({
    revision: `${action.id}:${action.revision}`,
    schema: inputSchema,
    value: input,
    owner: customer?.id ?? action.workspaceId,
  })
  if (problem === null) return null
  const [, path = '', message] = /^(the event|\/\S*) (.*)$/s.exec(problem) ?? []
  const field = path.startsWith('/') ? `input${path.replaceAll('/', '.')}` : 'input'
  return errorData('invalid_input', `${field}: ${message}`, { problems: [{ field, message }] })
}

function recordOf(
  target: RunTarget,
  id: string,
): Pick<
  ActionRun,
  | 'id'
  | 'workspaceId'
  | 'customerId'
  | 'actionId'
  | 'actionName'
  | 'universalActionId'
  | 'integrationActionId'
  | 'connectionActionId'
  | 'integrationId'
  | 'connectionId'
> {
  const { runnable, connection, integration, customer } = target
  return {
    id,
    workspaceId: target.workspaceId,
    customerId: customer?.id ?? null,
    actionId: runnable.action?.id ?? null,
    actionName: runnable.name,
    universalActionId: runnable.lineage.universal,
    integrationActionId: runnable.lineage.integration,
    connectionActionId: runnable.lineage.connection,
    integrationId: integration?.id ?? null,
    connectionId: connection?.id ?? null,
  }
}

/** The answer to a run, or the refusal that stands for its failure; both name the run. */
export function answerOf(outcome: ActionOutcome): { output: unknown; actionRunId: string } {
  if (outcome.kind === 'done') return { output: outcome.output, actionRunId: outcome.id }
  const { error, id } = outcome
  const isInputWrong = outcome.kind === 'failed' && outcome.isInputWrong
  const named = { ...error, actionRunId: id }
  throw new Refusal(isInputWrong ? 'invalid_input' : 'action_failed', error.message, error.data, named)
}
