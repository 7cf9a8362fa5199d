import { permea } from '../api.ts'
import { refusalOfPermission } from '../session/may.ts'

/** Something that is called what was looked for, or holds it. */
export interface Found {
  id: string
  path: string
  title: string
  about: string
  /** A key of `PAGES`, for its picture. */
  page: string
}

const LIMIT = 4
/** Payloads are looked through this far back. */
const PAYLOADS_MS = 7 * 24 * 3_600_000
const EXCERPT = 30

type Finder = (text: string, signal: AbortSignal) => Promise<Found[]>

/** A finder by the list of a kind that can be searched. */
function byList<T extends { id: string }>(
  page: string,
  list: (
    input: { query: { search: string; limit: number } },
    options: { signal: AbortSignal },
  ) => Promise<{ items: T[] }>,
  words: (item: T) => [title: string | undefined, about: string | undefined],
): Finder {
  return async (search, signal) => {
    const { items } = await list({ query: { search, limit: LIMIT } }, { signal })
    return items.map((item) => {
      const [title, about] = words(item)
      return { id: item.id, path: `/${page}/${item.id}`, title: title ?? item.id, about: about ?? '', page }
    })
  }
}

const since = () => new Date(Date.now() - PAYLOADS_MS)

const ELEMENTS: readonly Finder[] = [
  byList('customers', permea.customers.list, (each) => [each.name, `Customer ${each.internalId}`]),
  byList('flows', permea.flows.list, (each) => [each.name, `Flow ${each.key}`]),
  byList('app-event-types', permea.appEventTypes.list, (each) => [each.name, `App event type ${each.key}`]),
  byList('integrations', permea.integrations.list, (each) => [each.name, `Integration ${each.key}`]),
  byList('connectors', permea.connectors.list, (each) => [each.name, `Connector ${each.key}`]),
  byList('actions', permea.actions.list, (each) => [each.name, `Action ${each.key ?? ''}`]),
  byList('external-event-types', permea.externalEventTypes.list, (each) => [
    each.name,
    `External event type ${each.key}`,
  ]),
  async (search, signal) => {
    const { items } = await permea.flowRuns.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/flow-runs/${each.id}`,
      title: each.name ?? 'Flow run',
      about: `Run, ${each.state}`,
      page: 'flow-runs',
    }))
  },
]

/** What only those may look through who may see it. */
const PAYLOADS: readonly Finder[] = [
  async (search, signal) => {
    const { items } = await permea.appEvents.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/app-events/${each.id}`,
      title: `${each.appEventType?.name ?? 'App event'}${each.user === undefined ? '' : ` of ${each.user.name}`}`,
      about: excerpt(each.event, search),
      page: 'app-events',
    }))
  },
  async (search, signal) => {
    const { items } = await permea.refusedRequests.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/refused-requests/${each.id}`,
      title: `Refused: ${each.message}`,
      about: each.excerpt ?? each.path,
      page: 'refused-requests',
    }))
  },
  async (search, signal) => {
    const { items } = await permea.externalEvents.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/external-events/${each.id}`,
      title: 'External event',
      about: `holds ${search}`,
      page: 'external-events',
    }))
  },
  async (search, signal) => {
    const { items } = await permea.incomingWebhooks.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/incoming-webhooks/${each.id}`,
      title: `Request of an app${each.name === undefined ? '' : `: ${each.name}`}`,
      about: `holds ${search}`,
      page: 'incoming-webhooks',
    }))
  },
]

/** Looks through names, keys, ids of your own, and the payloads of the last week. What fails finds nothing. */
export async function find(text: string, signal: AbortSignal): Promise<Found[]> {
  const finders = refusalOfPermission('payloads') === null ? [...ELEMENTS, ...PAYLOADS] : ELEMENTS
  const found = await Promise.allSettled(finders.map((finder) => finder(text, signal)))
  return found.flatMap((each) => (each.status === 'fulfilled' ? each.value : []))
}

/** What stands around the text in a payload. */
function excerpt(payload: unknown, text: string): string {
  const whole = JSON.stringify(payload) ?? ''
  const at = whole.toLowerCase().indexOf(text.toLowerCase())
  if (at === -1) return `holds ${text}`
  const from = Math.max(0, at - EXCERPT)
  return `${from > 0 ? '…' : ''}${whole.slice(from, at + text.length + EXCERPT)}…`
}
