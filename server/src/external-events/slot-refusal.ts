import type { ErrorData } from '@permea/contract'
import { resultOf } from '../external-subscriptions/call-result.ts'
import type { OwnedFunction } from '../external-subscriptions/definition.ts'
import type { FunctionOutcome } from '../functions/function.ts'
import { handledOf, selectedEvents, WRONG_SELECTORS } from './handle.ts'

/** Only what it returned is looked at. */
const DRAFT: OwnedFunction = { definition: { type: 'javascript', code: '' }, ownerId: 'draft' }

/**
 * Why a real call would refuse what a function came to that is called in this slot; null where it would not, and for
 * slots whose values are looked at where they are used.
 */
export function refusalOfSlot(slot: string, outcome: FunctionOutcome): ErrorData | null {
  const [first, ...rest] = slot.split('.')
  const name = rest.at(-1) ?? first
  if (name === 'handle') {
    const result = handledOf(outcome)
    if ('error' in result) return result.error
    const isGlobal = first === 'globalWebhooks'
    return isGlobal && selectedEvents(result.handled.events) === null ? WRONG_SELECTORS : null
  }
  if (name !== 'subscribe' && name !== 'unsubscribe' && name !== 'refresh') return null
  const result = resultOf(outcome, DRAFT, null)
  return result.kind === 'failed' ? result.error : null
}
