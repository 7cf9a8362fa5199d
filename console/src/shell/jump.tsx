import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight'
import { IconHash, IconSearch } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { PAGES } from '../pages.ts'

export const openJump = spotlight.open

/** Where an identifier leads, by what stands before its `_`. */
const PAGE_OF_PREFIX: Record<string, string> = {
  aev: 'app-events',
  aet: 'app-event-types',
  aes: 'app-event-subscriptions',
  uf: 'flows',
  if: 'flows',
  cf: 'flow-instances',
  fr: 'flow-runs',
  cus: 'customers',
  dlv: 'deliveries',
  alrt: 'alerts',
  ne: 'webhook-notifications',
}

/** The page of the record with this identifier; null where it is not one. */
export function placeOfId(text: string): string | null {
  const match = /^([a-z]+)_[0-9a-z]{26}$/.exec(text.trim())
  const page = match === null ? undefined : PAGE_OF_PREFIX[match[1] ?? '']
  return page === undefined ? null : `/${page}/${text.trim()}`
}

/** Cmd-K: to any page by its name, to any record by its id. */
export function Jump() {
  const navigate = useNavigate()
  const [query, setQuery] = useState('')
  const go = (to: string) => void navigate({ to, search: {} })
  const place = placeOfId(query)
  const actions: SpotlightActionData[] = PAGES.map(({ path, title, icon: Icon, also }) => ({
    id: path === '' ? 'home' : path,
    label: title,
    keywords: also ?? '',
    leftSection: <Icon size={18} stroke={1.6} />,
    onClick: () => go(`/${path}`),
  }))
  if (place !== null)
    actions.unshift({
      id: 'record',
      label: `Open ${query.trim()}`,
      description: 'The record with this id',
      keywords: query,
      leftSection: <IconHash size={18} stroke={1.6} />,
      onClick: () => go(place),
    })
  return (
    <Spotlight
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      shortcut={['mod + K', '/']}
      nothingFound="Neither a page nor an id"
      highlightQuery={false}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'A page, or the id of anything',
        'aria-label': 'Jump to',
      }}
    />
  )
}
