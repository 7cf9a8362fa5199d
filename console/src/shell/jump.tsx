import { Spotlight, type SpotlightActionData, spotlight } from '@mantine/spotlight'
import { IconHash, IconSearch } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { PAGES } from '../pages.ts'
import { placeOfId } from '../places.ts'

export const openJump = spotlight.open

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
