import { useCallback, useEffect, useState } from 'react'

/**
 * Work that was begun and is not saved. It is kept in this browser, by the name of the form, until it is saved or
 * thrown away, so that neither a closed page nor a slip of the hand loses it.
 */
interface Kept<T> {
  at: string
  value: T
}

const PREFIX = 'permea.draft.'
const LIFE_MS = 14 * 24 * 60 * 60 * 1000

/** Drafts of other workspaces than the main one have their own names: what was begun in one is not shown in another. */
let apart = ''

export function keepDraftsApart({ key, isMain }: { key: string; isMain: boolean }): void {
  apart = isMain ? '' : `~${key}.`
}

const slotOf = (name: string) => PREFIX + apart + name

/** Names of the drafts that were worked on, or shown, since the page was opened. */
const unsaved = new Set<string>()

function read<T>(name: string): Kept<T> | null {
  try {
    const kept = JSON.parse(localStorage.getItem(slotOf(name)) ?? 'null') as Kept<T> | null
    return kept !== null && Date.now() - Date.parse(kept.at) < LIFE_MS ? kept : null
  } catch {
    return null
  }
}

function store(name: string, value: unknown): void {
  try {
    localStorage.setItem(slotOf(name), JSON.stringify({ at: new Date().toISOString(), value }))
  } catch {
    // No room, or none allowed: the work is still in the page, and leaving it asks.
  }
}

function forget(name: string): void {
  unsaved.delete(name)
  localStorage.removeItem(slotOf(name))
}

export interface Draft<T> {
  /** What was begun; null where everything is saved. */
  value: T | null
  /** When it was kept, where it comes from an earlier visit. */
  keptAt: string | null
  /** Null where nothing of it is left to be saved. What is given back by `stored` is what is kept of it. */
  set(to: T | null): void
}

/**
 * The unsaved work of one form. The form is built anew where the name changes.
 * @param stored what of it may be kept in the browser; secrets are not.
 */
export function useDraft<T>(name: string, stored: (value: T) => T = (value) => value): Draft<T> {
  const [begun, setBegun] = useState<{ value: T | null; keptAt: string | null }>(() => {
    const kept = read<T>(name)
    return { value: kept?.value ?? null, keptAt: kept?.at ?? null }
  })
  const set = useCallback(
    (to: T | null) => {
      setBegun((now) => ({ value: to, keptAt: to === null ? null : now.keptAt }))
      if (to === null) forget(name)
      else {
        unsaved.add(name)
        store(name, stored(to))
      }
    },
    [name, stored],
  )
  const isThere = begun.value !== null
  useEffect(() => {
    if (isThere) unsaved.add(name)
  }, [name, isThere])
  return { ...begun, set }
}

/** What something was tried with last: there again at the next visit, and no work that leaving would lose. */
export function useTried(name: string, begin: () => string): [string, (to: string) => void] {
  const [text, setText] = useState(() => read<string>(name)?.value ?? begin())
  return [
    text,
    (to) => {
      setText(to)
      store(name, to)
    },
  ]
}

/** Whether leaving the page leaves unsaved work behind. */
export const hasUnsaved = () => unsaved.size > 0

/** The page is left: what is unsaved stays in the browser, or goes for good. */
export function leaveUnsaved(what: 'kept' | 'discarded'): void {
  for (const name of unsaved) if (what === 'discarded') localStorage.removeItem(slotOf(name))
  unsaved.clear()
}

/** Nobody who signs in next on this machine is shown what somebody began. */
export function forgetDrafts(): void {
  for (const name of Object.keys(localStorage)) if (name.startsWith(PREFIX)) localStorage.removeItem(name)
  unsaved.clear()
}
