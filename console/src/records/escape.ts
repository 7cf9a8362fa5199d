import { useEffect, useRef } from 'react'

/** What has a use of its own for the key. */
const INSIDE = '.cm-editor, [data-mantine-stop-propagation="true"], [role="menu"], [aria-expanded="true"]'

/**
 * Escape closes what stands beside a list, unless it was meant for something inside: an open menu or list of choices,
 * a dialog above, an editor, in which it lets Tab go on.
 */
export function useEscape(close: () => void): void {
  const latest = useRef(close)
  useEffect(() => {
    latest.current = close
  })
  useEffect(() => {
    let isForInside = false
    // Looked at before anybody acts on the key: a list of choices that it closes is not open any more afterwards.
    const coming = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : null
      const isInside = target?.closest(INSIDE) != null
      isForInside = isInside || document.querySelectorAll('[role="dialog"]').length > 1
    }
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== 'Escape' || event.defaultPrevented || event.isComposing || isForInside) return
      latest.current()
    }
    window.addEventListener('keydown', coming, true)
    window.addEventListener('keydown', pressed)
    return () => {
      window.removeEventListener('keydown', coming, true)
      window.removeEventListener('keydown', pressed)
    }
  }, [])
}
