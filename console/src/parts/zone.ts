import { useSyncExternalStore } from 'react'

const KEY = 'permea.utc'

/** Whether times are shown in UTC in place of the time zone of the browser; kept in this browser, for all its pages. */
let isUtc = readKept()
const listeners = new Set<() => void>()
const changed = () => {
  for (const listener of listeners) listener()
}
window.addEventListener('storage', ({ key }) => {
  if (key !== KEY) return
  isUtc = readKept()
  changed()
})

function readKept(): boolean {
  try {
    return localStorage.getItem(KEY) === 'true'
  } catch {
    return false
  }
}

const subscribe = (listener: () => void) => {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function useIsUtc(): boolean {
  return useSyncExternalStore(subscribe, () => isUtc)
}

export function showInUtc(to: boolean): void {
  isUtc = to
  try {
    localStorage.setItem(KEY, String(to))
  } catch {
    // Then it lasts as long as the page.
  }
  changed()
}

/** What the zone is called in which times are shown. */
export const zoneName = (utc: boolean) => (utc ? 'UTC' : Intl.DateTimeFormat().resolvedOptions().timeZone)

/** A format for times, in either zone; made once. */
export function timeFormat(options: Intl.DateTimeFormatOptions): (at: Date | number, utc: boolean) => string {
  const local = new Intl.DateTimeFormat(undefined, options)
  const utcFormat = new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' })
  return (at, utc) => (utc ? utcFormat : local).format(at)
}

/** The day a moment is on. */
export const dayOf = timeFormat({ dateStyle: 'short' })
