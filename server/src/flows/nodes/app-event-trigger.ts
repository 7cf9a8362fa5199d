import { configOf, type NodeType, passOn } from '../node-type.ts'

function keyOf(config: Record<string, unknown>): string | null {
  const { appEvent } = config
  // The documentation of the field shows the key alone, its files the object.
  const key =
    typeof appEvent === 'object' && appEvent !== null ? (appEvent as { key?: unknown }).key : config.appEventKey
  return typeof key === 'string' && key !== '' ? key : null
}

/** Fires on an internal event: `config.appEvent.key` names its type. The output is the event as sent. */
const appEventTrigger: NodeType = {
  type: 'app-event-trigger',
  isTrigger: true,
  hasEffect: false,
  check: (node) =>
    keyOf(configOf(node)) === null
      ? [{ path: 'config.appEvent.key', message: 'the key of an app event type is needed', isIncomplete: true }]
      : [],
  prepare: () => passOn,
  wish: (node) => ({ kind: 'app-event', appEventTypeKey: keyOf(configOf(node)) ?? '' }),
}

export default appEventTrigger
