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

const ELEMENTS: Readonly<Record<string, Finder>> = {
  customers: byList('customers', permea.customers.list, (each) => [each.name, `Customer ${each.internalId}`]),
  flows: byList('flows', permea.flows.list, (each) => [each.name, `Flow ${each.key}`]),
  'app-event-types': byList('app-event-types', permea.appEventTypes.list, (each) => [
    each.name,
    `App event type ${each.key}`,
  ]),
  integrations: byList('integrations', permea.integrations.list, (each) => [each.name, `Integration ${each.key}`]),
  connectors: byList('connectors', permea.connectors.list, (each) => [each.name, `Connector ${each.key}`]),
  actions: byList('actions', permea.actions.list, (each) => [each.name, `Action ${each.key ?? ''}`]),
  'external-event-types': byList('external-event-types', permea.externalEventTypes.list, (each) => [
    each.name,
    `External event type ${each.key}`,
  ]),
  'flow-runs': async (search, signal) => {
    const { items } = await permea.flowRuns.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/flow-runs/${each.id}`,
      title: each.name ?? 'Flow run',
      about: `Run, ${each.state}`,
      page: 'flow-runs',
    }))
  },
}

/** What only those may look through who may see it. */
const PAYLOADS: Readonly<Record<string, Finder>> = {
  'app-events': async (search, signal) => {
    const { items } = await permea.appEvents.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/app-events/${each.id}`,
      title: `${each.appEventType?.name ?? 'App event'}${each.user === undefined ? '' : ` of ${each.user.name}`}`,
      about: excerpt(each.event, search),
      page: 'app-events',
    }))
  },
  'refused-requests': async (search, signal) => {
    const { items } = await permea.refusedRequests.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/refused-requests/${each.id}`,
      title: `Refused: ${each.message}`,
      about: each.excerpt ?? each.path,
      page: 'refused-requests',
    }))
  },
  'external-events': async (search, signal) => {
    const { items } = await permea.externalEvents.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/external-events/${each.id}`,
      title: each.name ?? 'External event',
      about: `holds ${search}`,
      page: 'external-events',
    }))
  },
  'incoming-webhooks': async (search, signal) => {
    const { items } = await permea.incomingWebhooks.list({ query: { search, limit: LIMIT, from: since() } }, { signal })
    return items.map((each) => ({
      id: each.id,
      path: `/incoming-webhooks/${each.id}`,
      title: `Request of an app${each.name === undefined ? '' : `: ${each.name}`}`,
      about: `holds ${search}`,
      page: 'incoming-webhooks',
    }))
  },
}

/** What looks through names, keys, ids of your own, and the payloads of the last week, as far as the person may. */
export const findersHere = () => (refusalOfPermission('payloads') === null ? { ...ELEMENTS, ...PAYLOADS } : ELEMENTS)

/** What stands around the text in a payload. */
function excerpt(payload: unknown, text: string): string {
  const whole = JSON.stringify(payload) ?? ''
  const at = whole.toLowerCase().indexOf(text.toLowerCase())
  if (at === -1) return `holds ${text}`
  const from = Math.max(0, at - EXCERPT)
  return `${from > 0 ? '…' : ''}${whole.slice(from, at + text.length + EXCERPT)}…`
}
