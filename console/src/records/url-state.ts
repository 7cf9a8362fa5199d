import { useNavigate, useSearch } from '@tanstack/react-router'

export interface Choice {
  value: string
  label: string
}

type SearchParams = Record<string, string | undefined>

export const SINCE: readonly Choice[] = [
  { value: '15m', label: 'Last 15 minutes' },
  { value: '1h', label: 'Last hour' },
  { value: '24h', label: 'Last 24 hours' },
  { value: '7d', label: 'Last 7 days' },
]
const UNIT_MS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** The moment that a value such as `24h` stands for, to the minute, so that a list keeps its name for a while; a moment is itself. */
export function momentOfSince(value: string): string {
  if (/^\d{4}-/.test(value)) return value
  const ms = Number.parseInt(value, 10) * (UNIT_MS[value.slice(-1)] ?? 0)
  return new Date(Math.floor((Date.now() - ms) / 60_000) * 60_000).toISOString()
}

/** What the URL says, and how to change it. */
export function useUrlState(): { search: SearchParams; change(to: SearchParams): void } {
  const search = useSearch({ strict: false }) as SearchParams
  const navigate = useNavigate()
  return {
    search,
    change(to) {
      void navigate({ to: '.', search: (before: SearchParams) => ({ ...before, ...to }), replace: true })
    },
  }
}
