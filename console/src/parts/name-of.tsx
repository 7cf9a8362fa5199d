import { useQuery } from '@tanstack/react-query'
import { permea } from '../api.ts'

type Read = (id: string, signal: AbortSignal) => Promise<{ name?: string | undefined }>

/** What has a name, by the prefix of its id, and how it is asked for. */
const NAMED: Readonly<Record<string, Read>> = {
  act: (selector, signal) => permea.actions.get({ params: { selector } }, { signal }),
  aet: (selector, signal) => permea.appEventTypes.get({ params: { selector } }, { signal }),
  cf: (id, signal) => permea.flowInstances.get({ params: { id } }, { signal }),
  cnr: (selector, signal) => permea.connectors.get({ params: { selector } }, { signal }),
  con: (selector, signal) => permea.connections.get({ params: { selector } }, { signal }),
  cus: (selector, signal) => permea.customers.get({ params: { selector } }, { signal }),
  ds: (selector, signal) => permea.dataSources.get({ params: { selector } }, { signal }),
  ees: (id, signal) => permea.externalEventSubscriptions.get({ params: { id } }, { signal }),
  eet: (selector, signal) => permea.externalEventTypes.get({ params: { selector } }, { signal }),
  fm: (selector, signal) => permea.fieldMappings.get({ params: { selector } }, { signal }),
  if: (selector, signal) => permea.flows.get({ params: { selector } }, { signal }),
  int: (selector, signal) => permea.integrations.get({ params: { selector } }, { signal }),
  uf: (selector, signal) => permea.flows.get({ params: { selector } }, { signal }),
}
const NAMES_FOR_MS = 60_000

/** The name of what has the id; the id itself where it has none, or cannot be read any more. */
export function NameOf({ id }: { id: string }) {
  const read = NAMED[id.slice(0, id.indexOf('_'))]
  const { data } = useQuery({
    queryKey: ['name', id],
    queryFn: async ({ signal }) => (await read?.(id, signal))?.name ?? null,
    enabled: read !== undefined,
    staleTime: NAMES_FOR_MS,
    retry: false,
  })
  return data === undefined || data === null || data === '' ? <code>{id}</code> : <span title={id}>{data}</span>
}
