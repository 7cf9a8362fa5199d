import { type InfiniteData, useInfiniteQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import { useUpdates } from '../live/live.ts'

export interface Page<T> {
  items: T[]
  cursor?: string | undefined
  /** Where a log was looked through for a moment only: how far back. The page is then short, or empty. */
  lookedBackTo?: string | undefined
}

/** The filters of a list, with the limit and cursor of a page. */
export type Query = Readonly<Record<string, string | number | undefined>>

export type FetchPage<T> = (query: Query, signal: AbortSignal) => Promise<Page<T>>

/**
 * Reads pages by a list function of the client. What the filters are called, and what values they have, is for the page
 * that offers them to get right.
 */
export function pagesOf<T>(
  list: (input: { query: never }, options: { signal: AbortSignal }) => Promise<Page<T>>,
): FetchPage<T> {
  return (query, signal) => list({ query: query as never }, { signal })
}

export interface ListOptions<T> {
  /** The kind of element, as live news call it. */
  kind: string
  /** Further kinds whose news change what is shown of each. */
  alsoFollows?: readonly string[] | undefined
  query: Query
  fetchPage: FetchPage<T>
}

export interface RecordList<T> {
  items: readonly T[]
  /** Came since, and are held back so that the reader keeps their place. */
  arrived: readonly T[]
  /** Shows what arrived. */
  reveal(): void
  isLoading: boolean
  isFetchingMore: boolean
  hasMore: boolean
  /** How far back was looked for what is rare, where that is not the end; null where all there is was looked at. */
  lookedBackTo: string | null
  more(): void
  error: unknown
  retry(): void
  /** Ids that came while the list was open. */
  fresh: ReadonlySet<string>
}

const FIRST_PAGE = 50
const LATER_PAGES = 250
/** With more news than this at once the list begins anew instead. */
const NEWS_MAX = 200

type Data<T> = InfiniteData<Page<T>, string | undefined>

/** A list that is read page by page and follows what arrives. */
export function useRecordList<T extends { id: string }>(
  options: ListOptions<T>,
  isAtTop: () => boolean,
): RecordList<T> {
  const { kind, query, fetchPage } = options
  const queryClient = useQueryClient()
  const queryKey = useMemo(() => [kind, 'list', query], [kind, query])
  const [held, setHeld] = useState<{ key: unknown; items: readonly T[]; isGap: boolean }>({
    key: queryKey,
    items: [],
    isGap: false,
  })
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set())
  const arrived = held.key === queryKey ? held.items : []

  const found = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      fetchPage({ ...query, limit: pageParam === undefined ? FIRST_PAGE : LATER_PAGES, cursor: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last: Page<T>) => nextOf(last),
    structuralSharing: false,
    // Live news keep it up to date; reading every page again would be dear.
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    refetchOnWindowFocus: false,
  })

  const prepend = useCallback(
    (items: readonly T[]) => {
      queryClient.setQueryData<Data<T>>(queryKey, (data) => {
        const [first, ...others] = data?.pages ?? []
        if (data === undefined || first === undefined) return data
        const known = new Set(items.map((each) => each.id))
        const kept = first.items.filter((each) => !known.has(each.id))
        return { ...data, pages: [{ ...first, items: [...items, ...kept] }, ...others] }
      })
      setFresh((before) => new Set([...before, ...items.map((each) => each.id)].slice(-NEWS_MAX)))
    },
    [queryClient, queryKey],
  )

  const look = useCallback(async () => {
    const data = queryClient.getQueryData<Data<T>>(queryKey)
    if (data === undefined) return
    const head = await fetchPage({ ...query, limit: FIRST_PAGE }, new AbortController().signal).catch(() => null)
    if (head === null) return
    const byId = new Map(head.items.map((each) => [each.id, each]))
    queryClient.setQueryData<Data<T>>(
      queryKey,
      (now) => now && { ...now, pages: now.pages.map((page) => withNews(page, byId)) },
    )
    const shown = new Set(data.pages[0]?.items.map((each) => each.id))
    const news = head.items.filter((each) => !shown.has(each.id))
    const newest = data.pages[0]?.items[0]
    // What is older than the newest one shown is not new: it fits the filter only now.
    const came = newest === undefined ? news : news.filter((each) => suffixOf(each.id) > suffixOf(newest.id))
    if (came.length === 0) return
    const isGap = came.length === head.items.length && head.cursor !== undefined && shown.size > 0
    if (isAtTop() && !isGap) prepend(came)
    else if (isAtTop()) await queryClient.resetQueries({ queryKey })
    else setHeld({ key: queryKey, items: came, isGap })
  }, [queryClient, queryKey, fetchPage, query, isAtTop, prepend])
  useUpdates([kind, ...(options.alsoFollows ?? [])], () => void look())

  return {
    items: useMemo(() => found.data?.pages.flatMap((page) => page.items) ?? [], [found.data]),
    arrived,
    reveal() {
      if (held.isGap) void queryClient.resetQueries({ queryKey })
      else prepend(arrived)
      setHeld({ key: queryKey, items: [], isGap: false })
    },
    isLoading: found.isPending,
    isFetchingMore: found.isFetchingNextPage,
    hasMore: found.hasNextPage,
    lookedBackTo: found.data?.pages.at(-1)?.lookedBackTo ?? null,
    more() {
      if (found.hasNextPage && !found.isFetchingNextPage) void found.fetchNextPage()
    },
    error: found.error,
    retry: () => void found.refetch(),
    fresh,
  }
}

/** Where to go on; an empty page is the last one unless it says that it was not looked to the end. */
function nextOf(page: Page<unknown>): string | undefined {
  return page.items.length === 0 && page.lookedBackTo === undefined ? undefined : page.cursor
}

function withNews<T extends { id: string }>(page: Page<T>, byId: ReadonlyMap<string, T>): Page<T> {
  if (!page.items.some((each) => byId.has(each.id))) return page
  return { ...page, items: page.items.map((each) => byId.get(each.id) ?? each) }
}

/** Ids of a kind sort by the time they were made; those of flows have more than one prefix. */
function suffixOf(id: string): string {
  return id.slice(id.lastIndexOf('_') + 1)
}
