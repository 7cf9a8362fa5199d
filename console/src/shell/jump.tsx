import { useDebouncedValue, useHotkeys } from '@mantine/hooks'
import { createSpotlight, Spotlight, type SpotlightActionData } from '@mantine/spotlight'
import { IconBuilding, IconHash, IconSearch } from '@tabler/icons-react'
import { useQueries } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FocusEvent, useState } from 'react'
import { session } from '../api.ts'
import { pagesOf } from '../base.ts'
import { PAGES } from '../pages.ts'
import { placeOfId } from '../places.ts'
import { findersHere } from './find.ts'

const [store, spotlight] = createSpotlight()
export const openJump = spotlight.open

const SETTLED_MS = 250
const LENGTH_MIN = 2

/** Cmd-K: to any page, to whatever is called so, to any record by its id or by a value in its payload. */
export function Jump() {
  const navigate = useNavigate()
  const [query, setQuery] = useState('')
  const go = (to: string) => void navigate({ to, search: {} })
  const place = placeOfId(query)
  const [text] = useDebouncedValue(query.trim(), SETTLED_MS)
  const isLookedFor = text.length >= LENGTH_MIN && place === null
  // Each by itself: what is found is shown at once, whatever takes longer.
  const found = useQueries({
    queries: Object.entries(findersHere()).map(([what, find]) => ({
      queryKey: ['find', what, text],
      queryFn: ({ signal }: { signal: AbortSignal }) => find(text, signal),
      enabled: isLookedFor,
      staleTime: 10_000,
    })),
  })
  // Also from a field: the last search has the focus until it is closed, and people look things up while they type.
  useHotkeys([['mod+K', () => openJump()]], [], true)
  const actions: SpotlightActionData[] = PAGES.map(({ path, title, icon: Icon, also }) => ({
    id: path === '' ? 'home' : path,
    label: title,
    keywords: also ?? '',
    leftSection: <Icon size={18} stroke={1.6} />,
    onClick: () => go(`/${path}`),
  }))
  for (const { key, name } of session().workspaces)
    if (key !== session().workspace.key)
      actions.push({
        id: `workspace ${key}`,
        label: `Workspace ${name}`,
        description: 'Change to it',
        keywords: `switch change workspace ${key}`,
        leftSection: <IconBuilding size={18} stroke={1.6} />,
        onClick: () => location.assign(`${pagesOf(key)}/`),
      })
  if (place !== null)
    actions.unshift({
      id: 'record',
      label: `Open ${query.trim()}`,
      description: 'The record with this id',
      keywords: query,
      leftSection: <IconHash size={18} stroke={1.6} />,
      onClick: () => go(place),
    })
  for (const each of isLookedFor ? found.flatMap(({ data }) => data ?? []) : []) {
    const Icon = PAGES.find(({ path }) => path === each.page)?.icon ?? IconHash
    actions.push({
      id: each.id,
      label: each.title,
      description: each.about,
      // Found by the engine, by more than what is shown.
      keywords: query,
      leftSection: <Icon size={18} stroke={1.6} />,
      onClick: () => go(each.path),
    })
  }
  // Whose whole name was typed is meant.
  const wanted = query.trim().toLowerCase()
  actions.sort(
    (one, other) => Number(other.label?.toLowerCase() === wanted) - Number(one.label?.toLowerCase() === wanted),
  )
  return (
    <Spotlight
      store={store}
      actions={actions}
      query={query}
      onQueryChange={setQuery}
      // Emptied where it begins to close: at the end of that, what somebody had begun to type anew would go too; and
      // where it opens, the first key may be quicker, which then stands before what was looked for last.
      clearQueryOnClose={false}
      onSpotlightClose={() => setQuery('')}
      shortcut="/"
      nothingFound={
        found.some(({ isFetching }) => isFetching) || text !== query.trim()
          ? 'Looking…'
          : found.some(({ isError }) => isError)
            ? 'Nothing was found, but not everything could be looked through. Try again.'
            : 'Nothing is called so, and no payload of a week holds it'
      }
      highlightQuery={false}
      scrollable
      maxHeight={420}
      searchProps={{
        leftSection: <IconSearch size={18} />,
        placeholder: 'A page, a name, an id, a value in a payload',
        'aria-label': 'Jump to',
        onBlur: stayFocused,
      }}
    />
  )
}

/** A drawer that is only now there takes the focus: what somebody types into the palette would go nowhere. */
function stayFocused({ currentTarget: field, relatedTarget: to }: FocusEvent<HTMLElement>): void {
  const isWithin = to === null || field.closest('[role="dialog"]')?.contains(to) === true
  if (!isWithin && store.getState().opened) field.focus()
}
