import { setTimeout as wait } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import type { Target } from './target.ts'

const RECONNECT_MS = 1000
/** What was told while nobody listened is found by looking now and then. */
const LOOK_EVERY_MS = 5000

/**
 * Yields whenever something may have changed in the workspace: at once, when the engine tells so, when the stream is
 * there again after it broke, and every few seconds besides. Ends with the signal; what cannot be reached is tried again.
 */
export async function* changes(
  target: Target,
  signal: AbortSignal,
  note: (text: string) => void,
): AsyncGenerator<void> {
  let wake = () => {}
  let isDue = true
  const nudge = () => {
    isDue = true
    wake()
  }
  const ended = new AbortController()
  const both = AbortSignal.any([signal, ended.signal])
  both.addEventListener('abort', nudge)
  const listening = keepListening(target, both, nudge, note)
  try {
    while (!signal.aborted) {
      if (!isDue) {
        const timer = setTimeout(nudge, LOOK_EVERY_MS)
        await new Promise<void>((resolve) => {
          wake = resolve
          if (isDue) resolve()
        })
        clearTimeout(timer)
      }
      isDue = false
      if (!signal.aborted) yield
    }
  } finally {
    ended.abort()
    await listening
  }
}

async function keepListening(
  target: Target,
  signal: AbortSignal,
  nudge: () => void,
  note: (text: string) => void,
): Promise<void> {
  let isAway = false
  while (!signal.aborted) {
    try {
      const headers = { authorization: `Bearer ${await target.token()}`, accept: 'text/event-stream' }
      const response = await fetch(`${target.url}/sse/workspace`, { headers, signal })
      if (!response.ok || response.body === null) throw new Error(`it answered ${response.status}`)
      if (isAway) note('The engine is there again.')
      isAway = false
      nudge()
      const parser = createParser({ onEvent: nudge })
      const decoder = new TextDecoder()
      for await (const chunk of response.body) parser.feed(decoder.decode(chunk, { stream: true }))
    } catch (error) {
      if (signal.aborted) return
      if (!isAway) note(`The engine cannot be reached (${reasonOf(error)}); waiting for it.`)
      isAway = true
    }
    await wait(RECONNECT_MS, undefined, { signal }).catch(() => {})
  }
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as Error & { cause?: { code?: string } }
  return cause?.code ?? message
}
