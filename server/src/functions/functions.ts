import { type ErrorData, ErrorType, type FunctionDefinition } from '@permea/contract'
import { parseKnownJson } from '../bodies/json.ts'
import { jsonExcess, valueExcess } from '../bodies/json-bounds.ts'
import { jsonText } from '../bodies/json-text.ts'
import { type Mask, maskOf } from '../exchanges/mask.ts'
import type { Outbound } from '../outbound/client.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database } from '../platform/database.ts'
import type { Ids } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Tracing } from '../platform/tracing.ts'
import type { GuestError, Sandbox, SandboxHost, SandboxLogLine } from '../sandbox/call.ts'
import { argumentOf, secretsOfLong } from './argument.ts'
import type { FunctionCall, FunctionFailure, FunctionOutcome, Functions, Whose } from './function.ts'
import { fetchForGuest } from './guest-fetch.ts'
import { createKeptAnswers, type KeptAnswers } from './kept-answers.ts'
import { callMapping, mappingProblem } from './mapping-call.ts'
import { createCallRecorder } from './record.ts'
import { unusedNames } from './returned-names.ts'
import { rememberingSources } from './sources.ts'

export interface FunctionsOptions {
  sandbox: Sandbox
  outbound: Outbound
  database: Database
  ids: Ids
  log: Log
  clock: Clock
  tracing?: Tracing | null
}

const MESSAGE_CHARS_MAX = 4_000
const STACK_CHARS_MAX = 4_000
const KEY_CHARS_MAX = 200
const ERROR_DATA_CHARS_MAX = 16_000
/** Of one call, as kept and as given to the caller. */
const LOGS_CHARS_MAX = 32_000

/**
 * Calls what users wrote. JavaScript runs in the sandbox, where its API clients are those of the call and its `fetch`
 * goes out under the address policy; mappings are evaluated here. Neither argument nor value is recorded; logs and
 * errors are bounded, and the secrets of the call are masked in them.
 */
export function createFunctions(options: FunctionsOptions): Functions {
  const { sandbox, outbound, ids } = options
  const recorder = createCallRecorder({ database: options.database, log: options.log })
  const check = rememberingSources(sandbox)
  const keptAnswers = createKeptAnswers(options.clock)

  async function callJavascript(code: string, call: FunctionCall, { mask, gather }: CallMask): Promise<Ended> {
    const fileName = `${call.context.slot}.js`
    const payer = payerOf(call.context)
    const source = await check(code, fileName, payer)
    if (source.kind === 'refused') {
      await gather()
      const { message, line, column } = source
      return { ...NOTHING_SAID, ...failure('load', { message }, { fileName, line, column, stack: null }, mask) }
    }
    const { clients = {} } = call
    const { aborting, inPlace } = surroundings(call, options.tracing ?? null)
    const outcome = await sandbox.run({
      code: source.code,
      fileName,
      payer,
      owner: `${call.context.workspaceId}:${call.context.ownerId}:${call.context.slot}`,
      argsJson: await jsonText(call.args),
      ...(call.text === undefined ? {} : { text: call.text }),
      clients: Object.keys(clients),
      host: {
        async request(name, request, allowance) {
          const client = clients[name]
          if (client === undefined) throw new Error(`a guest asked for a client that it was not given: ${name}`)
          return inPlace(() => client.request(request, { allowance, ...aborting }))
        },
        fetch: fetchOf(outbound, keptAnswers, call.signal, inPlace),
      },
      ...(call.limits === undefined ? {} : { limits: call.limits }),
      ...aborting,
    })
    if (outcome.logs.length > 0 || outcome.kind !== 'returned') await gather()
    const said = { logs: maskedLogs(outcome.logs, mask), cpuMs: outcome.cpuMs, hostCalls: outcome.hostCalls }
    if (outcome.kind === 'returned') {
      if (outcome.resultJson === null) return { ...said, kind: 'returned', value: undefined }
      const excess = jsonExcess(outcome.resultJson)
      if (excess !== null) return { ...said, ...failure('limit_exceeded', beyond(excess), null, mask) }
      return { ...said, kind: 'returned', value: await parseKnownJson(outcome.resultJson) }
    }
    // The sandbox's message begins with the class of the error, which says nothing for errors of the host.
    const isTyped = ErrorType.safeParse(outcome.error.type).success
    const error = isTyped ? outcome.error : { ...outcome.error, message: outcome.message }
    return { ...said, ...failure(outcome.failure, error, { fileName, ...outcome }, mask) }
  }

  return {
    async problem(definition, fileName, whose) {
      if (definition.type !== 'javascript') {
        const message = mappingProblem(definition)
        return message === null ? null : { message, line: null, column: null }
      }
      const result = await check(definition.code, fileName, whose === undefined ? undefined : payerOf(whose))
      return result.kind === 'loaded' ? null : { message: result.message, line: result.line, column: result.column }
    },
    async call(call) {
      const { definition, context } = call
      const callId = ids.next()
      const startedAt = performance.now()
      const mask = maskFor(call)
      const ended = await (definition.type === 'javascript'
        ? callJavascript(definition.code, call, mask)
        : callOther(definition, call, mask))
      const durationMs = performance.now() - startedAt
      const logs = [...ended.logs, ...(await notesOn(ended, call, mask))]
      const outcome: FunctionOutcome = { callId, durationMs, ...ended, logs }
      if (call.isRecorded !== false) {
        recorder.add({
          id: callId,
          ...context,
          outcome: outcome.kind === 'returned' ? 'returned' : outcome.failure,
          error: outcome.kind === 'returned' ? null : JSON.stringify(outcome.error),
          logs: outcome.logs.length === 0 ? null : JSON.stringify(outcome.logs),
          cpuMs: outcome.cpuMs,
          durationMs: outcome.durationMs,
          hostCalls: outcome.hostCalls,
        })
      }
      return outcome
    },
    settled: () => recorder.settled(),
  }
}

/** `fetch` of one call: it ends where the function gives it up, and with the call. */
function fetchOf(
  outbound: Outbound,
  keptAnswers: KeptAnswers,
  ended: AbortSignal | undefined,
  inPlace: InPlace,
): SandboxHost['fetch'] {
  return (request, allowance, givenUp) => {
    const signal = ended === undefined ? givenUp : AbortSignal.any([givenUp, ended])
    return inPlace(() => keptAnswers.take(request, () => fetchForGuest(outbound, request, { allowance, signal })))
  }
}

/** What is said of a call that did return something, beside what it said itself. */
async function notesOn(ended: Ended, { returns }: FunctionCall, { mask, gather }: CallMask): Promise<SandboxLogLine[]> {
  const notes = ended.kind === 'failed' || returns === undefined ? [] : unusedNames(ended.value, returns)
  if (notes.length > 0) await gather()
  return maskedLogs(notes, mask)
}

type InPlace = <T>(work: () => T) => T

/**
 * What holds for everything that a call asks of the engine: how it is cut off, and where in a trace it stands, since
 * what guests ask for comes by a channel that many share.
 */
function surroundings({ signal }: FunctionCall, tracing: Tracing | null) {
  const here = tracing?.here() ?? null
  return {
    aborting: signal === undefined ? {} : { signal },
    inPlace: <T>(work: () => T): T => (tracing === null ? work() : tracing.within(here, work)),
  }
}

async function callOther(
  definition: Exclude<FunctionDefinition, { type: 'javascript' }>,
  call: FunctionCall,
  { mask }: CallMask,
): Promise<Ended> {
  const counted = { requests: 0 }
  const outcome = await callMapping(definition, { ...call, args: argumentOf(call) }, counted)
  const said = { ...NOTHING_SAID, hostCalls: counted.requests }
  if (outcome.kind === 'returned') {
    const excess = valueExcess(outcome.value)
    return excess === null
      ? { ...said, ...outcome }
      : { ...said, ...failure('limit_exceeded', beyond(excess), null, mask) }
  }
  return { ...said, ...failure(outcome.failure, outcome.error, null, mask) }
}

interface CallMask {
  mask: Mask
  /** Before it is of use: of what is large the secrets are gathered in turns. */
  gather(): Promise<void>
}

function maskFor(call: FunctionCall): CallMask {
  let ofLong: Record<string, unknown> | null = null
  return {
    mask: maskOf({ args: () => ofLong ?? argumentOf(call), secrets: call.secrets }),
    async gather() {
      ofLong ??= await secretsOfLong(call)
    },
  }
}

/** Who has a share of the sandbox: each customer, and each workspace for what is no customer's. */
function payerOf({ workspaceId, customerId }: Whose): string {
  return `${workspaceId}:${customerId ?? ''}`
}

/** How a call ended, without what is the same for all of them. */
type Ended = { logs: SandboxLogLine[]; cpuMs: number; hostCalls: number } & (
  | { kind: 'returned'; value: unknown }
  | { kind: 'failed'; failure: FunctionFailure; error: ErrorData }
)

const NOTHING_SAID = { logs: [], cpuMs: 0, hostCalls: 0 }

interface Place {
  fileName: string
  line: number | null
  column: number | null
  stack: string | null
}

/** A failure as it is told: in the words and under the type and key of what was thrown, with the place in the source. */
/** What nests too deep could neither be stored nor shown. */
function beyond(excess: string): { message: string } {
  return { message: `the result cannot be used: ${excess}` }
}

function failure(kind: FunctionFailure, thrown: GuestError, place: Place | null, mask: Mask) {
  const type = ErrorType.safeParse(thrown.type)
  const where =
    type.success || place === null || place.line === null
      ? ''
      : ` (${place.fileName}:${place.line}:${place.column ?? 1})`
  const data = thrown.data === undefined ? placeData(place) : thrown.data
  const error: ErrorData = {
    type: type.success ? type.data : 'custom_code',
    key: thrown.key === undefined ? kind : mask.text(thrown.key).slice(0, KEY_CHARS_MAX),
    message: mask.text(thrown.message).slice(0, MESSAGE_CHARS_MAX) + where,
    ...(data === undefined ? {} : { data: bounded(mask.value(data)) }),
  }
  return { kind: 'failed' as const, failure: kind, error }
}

function placeData(place: Place | null): Record<string, unknown> | undefined {
  if (place === null) return undefined
  const { fileName, line, column, stack } = place
  return { file: fileName, line, column, ...(stack === null ? {} : { stack: stack.slice(0, STACK_CHARS_MAX) }) }
}

function bounded(data: unknown): unknown {
  const text = JSON.stringify(data)
  return text !== undefined && text.length > ERROR_DATA_CHARS_MAX ? `${text.slice(0, ERROR_DATA_CHARS_MAX)}…` : data
}

/** As many lines as fit; the last one says that others were left out. */
function maskedLogs(lines: readonly SandboxLogLine[], mask: Mask): SandboxLogLine[] {
  const kept: SandboxLogLine[] = []
  let left = LOGS_CHARS_MAX
  for (const line of lines) {
    const message = mask.text(line.message)
    left -= message.length
    if (left < 0) {
      kept.push({ level: 'warn', message: `${lines.length - kept.length} more lines were left out` })
      break
    }
    kept.push({ level: line.level, message })
  }
  return kept
}
