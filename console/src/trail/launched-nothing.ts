import type { AnswerOf, ItemOf, permea } from '../api.ts'
import type { Stop } from './branch.tsx'

type AppEvent = AnswerOf<typeof permea.appEvents.get>
type Instance = ItemOf<typeof permea.flowInstances.list>

/** Why an event launched nothing, by the flows that its customer has now. */
export function stopOfLaunchingNothing(event: AppEvent, instances: readonly Instance[]): Stop {
  const key = event.appEventType?.key
  const waiting = instances.filter((each) => waitsFor(each, key))
  const [first] = waiting
  if (first === undefined)
    return {
      why: 'No flow of this customer waits for events of this type.',
      remedy: { words: 'Have a flow begin with this event, and enable it for the customer', page: '/flows' },
    }
  const name = first.name ?? first.id
  const page = `/flow-instances/${first.id}`
  const broken = waiting.find((each) => each.enabled === true && each.state !== 'READY')
  if (broken !== undefined)
    return {
      why: `The flow “${broken.name ?? broken.id}” is enabled and not set up: ${broken.errors?.[0]?.message ?? 'it is being set up'}`,
      remedy: { words: 'Mend the flow of the customer', page: `/flow-instances/${broken.id}` },
    }
  if (waiting.every((each) => each.enabled !== true))
    return {
      why: `The flow “${name}” that waits for such events is disabled for this customer.`,
      remedy: { words: 'Enable it, then launch the flows of this event again', page },
    }
  return {
    why: `The flow “${name}” was not enabled yet when this event came.`,
    remedy: { words: 'Launch the flows of this event again', page: `/app-events/${event.id}` },
  }
}

function waitsFor({ nodes }: Instance, typeKey: string | undefined): boolean {
  return Object.values(nodes ?? {}).some(({ type, config }) => {
    const { appEvent, appEventKey } = (config ?? {}) as { appEvent?: { key?: unknown }; appEventKey?: unknown }
    return type === 'app-event-trigger' && typeKey !== undefined && (appEvent?.key ?? appEventKey) === typeKey
  })
}
