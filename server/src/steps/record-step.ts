import type { DataRecord } from '@permea/contract'
import type { RecordWork, RecordWorkOutcome } from '../data-records/record-work.ts'
import { laterOrNever } from './external-app-step.ts'
import type { RecordConfig } from './record-config.ts'
import type { StepCall, StepOutcome } from './step.ts'

/** Done again without harm, whatever was done of it. */
const READING: ReadonlySet<string> = new Set(['list', 'list-all', 'search', 'match', 'find-by-id', 'map'])

/** Does something with records of the call's connection; `map` only maps the one that is given as `record`. */
export async function recordStep(
  call: StepCall,
  work: RecordWork | 'map',
  config: RecordConfig,
  instanceKey: string,
): Promise<StepOutcome> {
  const { connection, services, sourceId, signal } = call
  if (connection === null) return noConnection(call)
  const of = { connection, instanceKey, sourceId, signal }
  const outcome =
    work === 'map'
      ? await services.records.mapped(of, config, config.record as DataRecord)
      : await services.records.run(work, of, config)
  return outcomeOf(outcome, READING.has(work))
}

/** Reads one page of the list that `list-all` gives, from where the one before ended; `next` is where the next one begins. */
export async function recordPageStep(
  call: StepCall,
  config: RecordConfig,
  instanceKey: string,
  from: string | null,
): Promise<{ outcome: StepOutcome; next: string | null }> {
  const { connection, services, sourceId, signal } = call
  if (connection === null) return { outcome: noConnection(call), next: null }
  const page = await services.records.page({ connection, instanceKey, sourceId, signal }, config, from)
  return page.kind === 'failed'
    ? { outcome: laterOrNever(page.error), next: null }
    : { outcome: { kind: 'done', output: page.records }, next: page.next }
}

/** Reads or changes links between records of the call's connection and yours. */
export async function linkStep(
  call: StepCall,
  work: 'create' | 'find' | 'delete',
  config: RecordConfig,
  instanceKey: string,
): Promise<StepOutcome> {
  const { connection, services, sourceId, signal } = call
  if (connection === null) return noConnection(call)
  return outcomeOf(await services.records.link(work, { connection, instanceKey, sourceId, signal }, config ?? {}), true)
}

function outcomeOf(outcome: RecordWorkOutcome, isReading: boolean): StepOutcome {
  if (outcome.kind === 'done') return { kind: 'done', output: outcome.output ?? null }
  return isReading || outcome.hostCalls <= 1 ? laterOrNever(outcome.error) : { kind: 'failed', error: outcome.error }
}

function noConnection({ errorType: type }: StepCall): StepOutcome {
  return { kind: 'failed', error: { type, key: 'no_connection', message: 'there is no connection with records' } }
}
