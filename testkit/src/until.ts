/** Looks again and again until `holds` gives something true, and gives that; rejects after `withinMs`, saying what was awaited. */
export async function until<T>(
  what: string,
  withinMs: number,
  holds: () => Promise<T> | T,
  everyMs = 10,
): Promise<Exclude<T, false | null | undefined | 0 | ''>> {
  const deadlineMs = performance.now() + withinMs
  for (;;) {
    const found = await holds()
    if (found) return found as Exclude<T, false | null | undefined | 0 | ''>
    if (performance.now() > deadlineMs) throw new Error(`within ${withinMs} ms this did not come true: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, everyMs))
  }
}

/** Resolves after a time that the story chooses, for what has no event: the moment of a kill, a slow receiver. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
