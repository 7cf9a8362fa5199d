import { useEffect, useRef, useSyncExternalStore } from 'react'
import { freshToken, session } from '../api.ts'
import { API_URL } from '../base.ts'

/** What the engine says when something of a kind came or changed. */
export interface Update {
  elementType: string
  /** Absent where too many changed to name each. */
  elementId?: string | undefined
}

export type LiveState = 'connecting' | 'live' | 'offline'

type Listener = (update: Update) => void

const AGAIN_MS = [500, 1000, 2000, 5000, 10_000]
const listeners = new Map<string, Set<Listener>>()
const watchers = new Set<() => void>()
let state: LiveState = 'connecting'

function become(next: LiveState): void {
  if (state === next) return
  state = next
  for (const watcher of watchers) watcher()
}

/** Follows what happens in the workspace, for as long as the page is open. */
export async function followWorkspace(): Promise<void> {
  let token = session().token
  for (let failures = 0; ; ) {
    try {
      const response = await fetch(`${API_URL}/sse/workspace`, { headers: { authorization: `Bearer ${token}` } })
      if (response.status === 401) token = await freshToken()
      if (!response.ok || response.body === null) throw new Error(`answered with ${response.status}`)
      if (failures > 0) for (const kind of listeners.keys()) tell({ elementType: kind })
      failures = 0
      become('live')
      await readEvents(response.body)
    } catch {
      become('offline')
    }
    await pause(AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 0)
    failures += 1
  }
}

async function readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
  let rest = ''
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const lines = (rest + value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line.startsWith('data:')) hear(line.slice('data:'.length))
  }
}

function hear(text: string): void {
  const message = JSON.parse(text) as { type: string } & Update
  if (message.type === 'element-update') tell(message)
}

function tell(update: Update): void {
  for (const listener of listeners.get(update.elementType) ?? []) listener(update)
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Calls back when something of one of the kinds came or changed, at most once in `everyMs`. */
export function useUpdates(kinds: readonly string[], callback: (update: Update) => void, everyMs = 700): void {
  const latest = useRef(callback)
  useEffect(() => {
    latest.current = callback
  })
  const key = kinds.join(' ')
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null
    let quietUntilMs = 0
    const listener: Listener = (update) => {
      if (timer !== null) return
      timer = setTimeout(
        () => {
          timer = null
          quietUntilMs = performance.now() + everyMs
          latest.current(update)
        },
        Math.max(0, quietUntilMs - performance.now()),
      )
    }
    for (const kind of key.split(' ')) {
      const set = listeners.get(kind) ?? new Set()
      listeners.set(kind, set.add(listener))
    }
    return () => {
      if (timer !== null) clearTimeout(timer)
      for (const kind of key.split(' ')) listeners.get(kind)?.delete(listener)
    }
  }, [key, everyMs])
}

export function useLiveState(): LiveState {
  return useSyncExternalStore(
    (watcher) => {
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    () => state,
  )
}
