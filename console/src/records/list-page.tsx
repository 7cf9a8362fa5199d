import { Outlet, useParams } from '@tanstack/react-router'
import { type ReactNode, useCallback, useMemo, useRef } from 'react'
import { Failure } from '../parts/failure.tsx'
import { PageHead } from '../shell/page-head.tsx'
import { ExportButton } from './export-button.tsx'
import { type Filter, Filters } from './filters.tsx'
import { type FetchPage, type Query, useRecordList } from './record-list.ts'
import { type Column, isAtTop, RecordTable } from './record-table.tsx'
import { momentOfSince, useUrlState } from './url-state.ts'

interface ListPageProps<T> {
  title: string
  about: ReactNode
  /** Below `/`, without it. */
  path: string
  kind: string
  alsoFollows?: readonly string[]
  fetchPage: FetchPage<T>
  filters?: readonly Filter[]
  columns: readonly Column<T>[]
  actions?: ReactNode
  /** Of the list in the API, where it has another path there; null where it cannot be exported. */
  apiPath?: string | null
  /** Shown where there is nothing, and no filter is the reason. */
  empty: ReactNode
  /** Shown where a filter leaves nothing. */
  emptyFiltered: ReactNode
}

/** A list of records, each of which opens beside it. */
export function ListPage<T extends { id: string }>(props: ListPageProps<T>) {
  const { filters = [] } = props
  const { search } = useUrlState()
  const { id } = useParams({ strict: false }) as { id?: string }
  const scroller = useRef<HTMLDivElement>(null)
  const hasTime = filters.some((filter) => filter.kind === 'since')
  const given = JSON.stringify([
    ...filters.map(({ name, kind }) => [name, kind, search[name]]),
    ...(hasTime ? [['to', 'since', search.to]] : []),
  ])
  const query = useMemo(() => queryOf(JSON.parse(given)), [given])
  const atTop = useCallback(() => isAtTop(scroller.current), [])
  const list = useRecordList<T>({ ...props, query }, atTop)
  const isFiltered = Object.keys(query).length > 0
  return (
    <div className="page">
      <PageHead
        title={props.title}
        about={props.about}
        actions={
          <>
            {list.items.length > 0 && props.apiPath !== null && (
              <ExportButton name={props.path} apiPath={props.apiPath ?? `/${props.path}`} query={query} />
            )}
            {props.actions}
          </>
        }
      />
      <Filters filters={filters} />
      {list.error !== null ? (
        <div className="page-body">
          <Failure error={list.error} onRetry={list.retry} />
        </div>
      ) : (
        <RecordTable
          label={props.title}
          list={list}
          columns={props.columns}
          hrefOf={(item) => `/${props.path}/${item.id}`}
          chosenId={id}
          scroller={scroller}
          empty={isFiltered ? props.emptyFiltered : props.empty}
        />
      )}
      <Outlet />
    </div>
  )
}

function queryOf(given: [name: string, kind: Filter['kind'], value?: string | null][]): Query {
  return Object.fromEntries(
    given.flatMap(([name, kind, value]) => {
      if (value === undefined || value === null) return []
      return [[name, kind === 'since' ? momentOfSince(value) : value]]
    }),
  )
}
