import { Refusal } from '../api/refusal.ts'
import type { FunctionOutcome } from '../functions/function.ts'

/** Refuses what may be sent again where a function got no turn, or was stopped with the process: that is our doing alone. */
export function refuseWithoutTurn(outcome: FunctionOutcome): void {
  if (outcome.kind === 'failed' && (outcome.failure === 'overloaded' || outcome.failure === 'aborted'))
    throw new Refusal('overloaded', 'more requests are in hand than can be handled; nothing was stored, try again')
}

export function falseIfOverloaded(error: unknown): false {
  if (error instanceof Refusal && error.key === 'overloaded') return false
  throw error
}

/** Resolves with whichever comes first: the promise, or the signal. */
export async function firstOf(promise: Promise<void>, signal: AbortSignal | null): Promise<void> {
  if (signal === null) return promise
  const gaveUp = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => gaveUp.resolve(), { once: true })
  await (signal.aborted ? undefined : Promise.race([promise, gaveUp.promise]))
}
