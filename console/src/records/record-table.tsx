import { Button, Loader, Skeleton } from '@mantine/core'
import { useElementSize } from '@mantine/hooks'
import { IconArrowUp } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, type RefObject, useCallback, useEffect, useRef } from 'react'
import { timeFormat, useIsUtc } from '../parts/zone.ts'
import type { RecordList } from './record-list.ts'

/** One column; the first one is the link that opens the record. */
export interface Column<T> {
  title: string
  /** A CSS grid track. */
  width: string
  /** Shown where the table is at least this wide, in pixels. */
  from?: number
  cell(item: T): ReactNode
}

const LINE_PX = 44
const AHEAD = 20
const AT_TOP_PX = 24
const SKELETON_LINES = 12

interface RecordTableProps<T> {
  label: string
  list: RecordList<T>
  columns: readonly Column<T>[]
  hrefOf(item: T): string
  chosenId: string | undefined
  scroller: RefObject<HTMLDivElement | null>
  empty: ReactNode
}

/** A table of any length: only the lines in view are there, the rest is asked for as the reader comes near. */
export function RecordTable<T extends { id: string }>(props: RecordTableProps<T>) {
  const isUtc = useIsUtc()
  const { label, list, hrefOf, chosenId, scroller } = props
  const { ref: frame, width } = useElementSize()
  const columns = props.columns.filter((column) => (column.from ?? 0) <= width)
  const template = columns.map((column) => column.width).join(' ')
  const focusNext = useRef<number | null>(null)
  const virtualizer = useVirtualizer({
    count: list.items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => LINE_PX,
    overscan: 12,
    scrollPaddingStart: LINE_PX,
    getItemKey: (index) => list.items[index]?.id ?? index,
  })
  const lines = virtualizer.getVirtualItems()
  const lastIndex = lines.at(-1)?.index ?? 0
  const { more } = list
  useEffect(() => {
    if (lastIndex >= list.items.length - AHEAD && list.items.length > 0) more()
  }, [lastIndex, list.items.length, more])

  const focusLine = useCallback(
    (index: number) => {
      const link = scroller.current?.querySelector<HTMLAnchorElement>(`[data-index="${index}"] a.row-link`)
      if (link === null || link === undefined) return false
      link.focus({ preventScroll: true })
      return true
    },
    [scroller],
  )
  useEffect(() => {
    if (focusNext.current !== null && focusLine(focusNext.current)) focusNext.current = null
  })

  const goTo = (index: number) => {
    const to = Math.max(0, Math.min(list.items.length - 1, index))
    virtualizer.scrollToIndex(to, { align: 'auto' })
    if (!focusLine(to)) focusNext.current = to
  }
  useListKeys(scroller, (step) => {
    const focused = document.activeElement?.closest<HTMLElement>('[data-index]')
    const chosen = list.items.findIndex((item) => item.id === chosenId)
    const from = focused?.dataset.index === undefined ? chosen : Number(focused.dataset.index)
    goTo(from + step)
  })

  const hasNothing = !list.isLoading && list.items.length === 0 && list.arrived.length === 0
  return (
    <div className="table-frame" ref={frame}>
      {list.arrived.length > 0 && (
        <Button
          className="news-pill"
          size="compact-sm"
          radius="xl"
          leftSection={<IconArrowUp size={14} />}
          onClick={() => {
            list.reveal()
            scroller.current?.scrollTo({ top: 0 })
          }}
        >
          {list.arrived.length} new
        </Button>
      )}
      {hasNothing ? (
        props.empty
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <div className="table-scroll" ref={scroller} tabIndex={0} role="region" aria-label={`${label}, scrollable`}>
          <div
            role="table"
            aria-label={label}
            aria-rowcount={list.hasMore ? -1 : list.items.length + 1}
            aria-busy={list.isLoading}
          >
            <div role="rowgroup">
              <div
                role="row"
                aria-rowindex={1}
                className="table-row table-head"
                style={{ gridTemplateColumns: template }}
              >
                {columns.map((column) => (
                  <div key={column.title} role="columnheader" className="cell">
                    {column.title}
                  </div>
                ))}
              </div>
            </div>
            <div
              role="rowgroup"
              className="table-body"
              style={{ height: list.isLoading ? undefined : virtualizer.getTotalSize() }}
            >
              {list.isLoading && <Waiting />}
              {lines.map((line) => {
                const item = list.items[line.index]
                if (item === undefined) return null
                return (
                  <Line
                    key={line.key}
                    item={item}
                    index={line.index}
                    top={line.start}
                    columns={columns}
                    template={template}
                    href={hrefOf(item)}
                    isChosen={item.id === chosenId}
                    isFresh={list.fresh.has(item.id)}
                  />
                )
              })}
            </div>
          </div>
        </div>
      )}
      <div className="table-foot" hidden={hasNothing && list.lookedBackTo === null}>
        <span aria-live="polite">{list.isLoading ? 'Loading' : countOf(list, isUtc)}</span>
        {list.lookedBackTo !== null && (
          <Button size="compact-xs" variant="light" loading={list.isFetchingMore} onClick={() => list.more()}>
            Look further back
          </Button>
        )}
        {list.isFetchingMore && <Loader size={14} aria-label="Loading more" />}
      </div>
    </div>
  )
}

const backTo = timeFormat({ dateStyle: 'short', timeStyle: 'medium' })

/** How many are shown, and how far that goes. */
function countOf({ items, hasMore, lookedBackTo }: RecordList<unknown>, isUtc: boolean): string {
  const count = items.length.toLocaleString()
  if (lookedBackTo !== null) return `${count} found, looked back to ${backTo(new Date(lookedBackTo), isUtc)}`
  return `${count}${hasMore ? ' loaded, more as you scroll' : ' in all'}`
}

interface LineProps<T> {
  item: T
  index: number
  top: number
  columns: readonly Column<T>[]
  template: string
  href: string
  isChosen: boolean
  isFresh: boolean
}

function Line<T extends { id: string }>({
  item,
  index,
  top,
  columns,
  template,
  href,
  isChosen,
  isFresh,
}: LineProps<T>) {
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the link in the first cell is what keyboards use
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      data-chosen={isChosen}
      className={`table-row table-line${isFresh ? ' is-new' : ''}`}
      style={{ gridTemplateColumns: template, transform: `translateY(${top}px)` }}
      onClick={(event) => {
        if ((event.target as HTMLElement).closest('a, button') === null && getSelection()?.toString() === '')
          event.currentTarget.querySelector<HTMLAnchorElement>('a.row-link')?.click()
      }}
    >
      {columns.map((column, at) => (
        <div key={column.title} role="cell" className="cell">
          {at === 0 ? (
            <Link to={href} search={true} className="row-link" {...(isChosen ? { 'aria-current': 'true' } : {})}>
              {column.cell(item)}
            </Link>
          ) : (
            column.cell(item)
          )}
        </div>
      ))}
    </div>
  )
}

function Waiting() {
  return (
    <>
      {Array.from({ length: SKELETON_LINES }, (_, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines that only wait have nothing else
        <div key={at} className="table-row" style={{ height: LINE_PX, gridTemplateColumns: '2fr 1fr 1fr' }} aria-hidden>
          <Skeleton height={10} width={`${70 - ((at * 13) % 40)}%`} />
          <Skeleton height={10} width="60%" />
          <Skeleton height={10} width="40%" />
        </div>
      ))}
    </>
  )
}

/** `j` and `k` (and the arrows, inside the list) go down and up; Enter opens, as links do. */
function useListKeys(scroller: RefObject<HTMLDivElement | null>, move: (step: number) => void): void {
  const latest = useRef(move)
  useEffect(() => {
    latest.current = move
  })
  useEffect(() => {
    const listener = (event: globalThis.KeyboardEvent) => {
      if (event.metaKey || event.ctrlKey || event.altKey || isTyping(event.target)) return
      if (document.querySelector('[role=dialog]') !== null) return
      const step = stepOf(event, scroller.current)
      if (step === 0) return
      event.preventDefault()
      latest.current(step)
    }
    document.addEventListener('keydown', listener)
    return () => document.removeEventListener('keydown', listener)
  }, [scroller])
}

function stepOf(event: KeyboardEvent | globalThis.KeyboardEvent, scroller: HTMLElement | null): number {
  if (event.key === 'j') return 1
  if (event.key === 'k') return -1
  if (!(event.target instanceof Node) || scroller?.contains(event.target) !== true) return 0
  if (event.key === 'ArrowDown') return 1
  return event.key === 'ArrowUp' ? -1 : 0
}

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  )
}

export function isAtTop(scroller: HTMLElement | null): boolean {
  return (scroller?.scrollTop ?? 0) < AT_TOP_PX
}
