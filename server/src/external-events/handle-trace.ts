import type { FunctionOutcome } from '../functions/function.ts'
import type { TracePlace, Tracing } from '../platform/tracing.ts'

/** Calls a `handle` as a span beneath the request that it handles; what it requests is beneath that. */
export async function tracedHandle(
  tracing: Tracing | null | undefined,
  place: TracePlace | null,
  call: () => Promise<FunctionOutcome>,
): Promise<FunctionOutcome> {
  if (tracing === null || tracing === undefined) return call()
  if (place === null) return tracing.within(null, call)
  const span = tracing.begin({ name: 'handle', beneath: place })
  const outcome = await tracing.within(span.place, call)
  span.end({ error: outcome.kind === 'failed' ? outcome.failure : null })
  return outcome
}
