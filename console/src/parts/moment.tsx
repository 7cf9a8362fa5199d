import { Tooltip } from '@mantine/core'
import { useSyncExternalStore } from 'react'
import { dayOf, timeFormat, useIsUtc, zoneName } from './zone.ts'

const exact = timeFormat({ dateStyle: 'medium', timeStyle: 'medium' })
const short = timeFormat({ month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit' })
const clockTime = timeFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit' })
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'always', style: 'narrow' })

const TICK_MS = 5000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** One clock for all moments on the page. */
let nowMs = Date.now()
const listeners = new Set<() => void>()
setInterval(() => {
  nowMs = Date.now()
  for (const listener of listeners) listener()
}, TICK_MS)
const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** A moment as people say it, in their time zone or in UTC as they like; the exact one when pointed at. */
export function Moment({ at, isExact = false }: { at: string | undefined; isExact?: boolean }) {
  const now = useSyncExternalStore(subscribe, () => nowMs)
  const isUtc = useIsUtc()
  if (at === undefined) return <span className="mono">–</span>
  const date = new Date(at)
  // What a role does not see stands there as a word.
  if (Number.isNaN(date.getTime())) return <span className="dim">{at}</span>
  const full = `${exact(date, isUtc)}.${String(date.getMilliseconds()).padStart(3, '0')} (${zoneName(isUtc)})`
  return (
    <Tooltip label={`${full} · ${date.toISOString()}`}>
      <time dateTime={at} title={full}>
        {isExact ? exact(date, isUtc) : spoken(date, now, isUtc)}
      </time>
    </Tooltip>
  )
}

function spoken(date: Date, now: number, isUtc: boolean): string {
  const agoMs = now - date.getTime()
  if (agoMs < -TICK_MS) {
    if (agoMs > -HOUR_MS) return relative.format(Math.ceil(-agoMs / MINUTE_MS), 'minute')
    return short(date, isUtc)
  }
  if (agoMs < 10_000) return 'just now'
  if (agoMs < MINUTE_MS) return relative.format(-Math.floor(agoMs / 1000), 'second')
  if (agoMs < HOUR_MS) return relative.format(-Math.floor(agoMs / MINUTE_MS), 'minute')
  if (agoMs < DAY_MS && dayOf(now, isUtc) === dayOf(date, isUtc)) return clockTime(date, isUtc)
  return short(date, isUtc)
}

/** How long something took. */
export function duration(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return '–'
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < MINUTE_MS) return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.round((ms % MINUTE_MS) / 1000)} s`
  return `${(ms / HOUR_MS).toFixed(1)} h`
}

/** Between two moments. */
export function between(from: string | undefined, to: string | undefined): string {
  return from === undefined || to === undefined ? '–' : duration(Date.parse(to) - Date.parse(from))
}
