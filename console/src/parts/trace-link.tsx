import { useQuery } from '@tanstack/react-query'
import { CONSOLE_PATH } from '../base.ts'

interface Settings {
  traceUrl: string | null
}

async function settings(): Promise<Settings> {
  const response = await fetch(`${CONSOLE_PATH}/settings`)
  if (!response.ok) throw new Error(`The engine answered ${response.status}.`)
  return (await response.json()) as Settings
}

/** The id of a trace; a link to where traces are shown, where the engine knows where that is. */
export function TraceLink({ id }: { id: string }) {
  const { data } = useQuery({ queryKey: ['settings of the console'], queryFn: settings, staleTime: Infinity })
  const url = data?.traceUrl ?? null
  if (url === null) return <code>{id}</code>
  return (
    <a href={url.replaceAll('{traceId}', id)} target="_blank" rel="noreferrer">
      <code>{id}</code>
    </a>
  )
}
