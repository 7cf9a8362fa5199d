import { checkFormula } from '../../formulas/check-formula.ts'
import { compileFormula } from '../../formulas/compile-formula.ts'
import { formatLocator, parseLocator } from '../../formulas/locator.ts'
import { configOf, type NodeProblem, type NodeType, type WaitWish } from '../node-type.ts'
import { amountMs, checkSpan, named, SPAN_MS_MAX } from '../span.ts'
import appEventTrigger from './app-event-trigger.ts'
import connectorEventTrigger from './connector-event-trigger.ts'

const AMOUNT = 7
const UNIT = 'days'
const AT_TIME_OUT = ['continue', 'fail']

/** Two spellings of one place are the same place. */
function fieldOf({ field }: Record<string, unknown>): string {
  const locator = parseLocator(field)
  return locator === null ? '' : formatLocator(locator)
}

function eventOf(config: Record<string, unknown>): WaitWish['for'] {
  const { eventKey } = config
  const type = typeof eventKey === 'string' && eventKey !== '' ? connectorEventTrigger : appEventTrigger
  return type.wish?.({ type: type.type, config }) as WaitWish['for']
}

/**
 * Waits until an event comes: one of your application for the run's customer (`config.appEvent.key`), or one of the
 * connection's app (`config.eventKey`). Where `config.field` is given, one in which it equals `config.value`. The
 * output is `{ event, isTimedOut }`.
 */
const waitForEvent: NodeType = {
  type: 'wait-for-event',
  isTrigger: false,
  hasEffect: false,
  check(node) {
    const config = configOf(node)
    const { field, value, amount, unit, onTimeout, appEvent, eventKey } = config
    const problems: NodeProblem[] = [...named('config.value', value), ...checkSpan({ amount, unit: unit ?? UNIT })]
    const isOfApp = appEventTrigger.check(node).length === 0
    if (!isOfApp && (typeof eventKey !== 'string' || eventKey === ''))
      problems.push({
        path: appEvent === undefined && eventKey !== undefined ? 'config.eventKey' : 'config.appEvent.key',
        message: 'the event to wait for is missing: the key of an app event type, or eventKey for one of the app',
        isIncomplete: true,
      })
    else if (isOfApp && typeof eventKey === 'string' && eventKey !== '')
      problems.push({ path: 'config.eventKey', message: 'either appEvent or eventKey is waited for, not both' })
    else if (!isOfApp)
      problems.push(
        ...checkFormula(config.eventParameters ?? {}).map((each) => ({
          path: `config.eventParameters ${each.path}`,
          message: each.message,
        })),
      )
    const isNamed = field !== undefined && field !== ''
    if (isNamed && parseLocator(field) === null)
      problems.push({ path: 'config.field', message: 'a field of the event is needed, such as $.order.id' })
    if (isNamed && (value === undefined || value === null || value === ''))
      problems.push({ path: 'config.value', message: 'what the field is to equal is missing', isIncomplete: true })
    if (!isNamed && value !== undefined && value !== null && value !== '')
      problems.push({
        path: 'config.field',
        message: 'the field that is to equal the value is missing',
        isIncomplete: true,
      })
    if (onTimeout !== undefined && !AT_TIME_OUT.includes(String(onTimeout)))
      problems.push({ path: 'config.onTimeout', message: `one of ${AT_TIME_OUT.join(', ')} is needed` })
    return problems
  },
  wish: (node) => ({ kind: 'wait', for: eventOf(configOf(node)), field: fieldOf(configOf(node)) }),
  prepare(node) {
    const config = configOf(node)
    const { amount = AMOUNT, unit = UNIT, onTimeout } = config
    const field = fieldOf(config)
    const value = compileFormula(config.value ?? null)
    const howLong = compileFormula(amount)
    const awaited = eventOf(config)
    const event = awaited.kind === 'app-event' ? awaited.appEventTypeKey : awaited.eventKey
    return {
      async execute(call) {
        if (call.arrived !== null)
          return { kind: 'outputs', outputs: [{ event: call.arrived.payload, isTimedOut: false }] }
        if (call.hasPaused) {
          if (onTimeout !== 'fail') return { kind: 'outputs', outputs: [{ event: null, isTimedOut: true }] }
          const message = `no event ${JSON.stringify(event)} came in time`
          return { kind: 'failed', error: { type: 'flow_run', key: 'wait_timed_out', message } }
        }
        const wanted = field === '' ? '' : await value.evaluate(call.scope, { owner: call.user.id })
        const waitMs = await amountMs(howLong, unit, call.scope)
        if (!(waitMs >= 0 && waitMs <= SPAN_MS_MAX)) {
          const message = Number.isFinite(waitMs)
            ? 'the wait would take longer than 30 days, or less than nothing'
            : 'the amount to wait came out as no number'
          return { kind: 'failed', error: { type: 'configuration', key: 'wait_invalid', message } }
        }
        const untilMs = call.services.clock.now().getTime() + waitMs
        return { kind: 'await', untilMs, event, field, value: wanted }
      },
    }
  },
}

export default waitForEvent
