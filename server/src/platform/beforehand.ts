import { AsyncLocalStorage } from 'node:async_hooks'

/** One try of a transaction, with what was done for it before, by what it is. */
interface Doing {
  isOpen: boolean
  done: ReadonlyMap<string, Promise<unknown>>
  /** What is to be done before the next try. */
  wanted: NotYet | null
}

const doing = new AsyncLocalStorage<Doing>()

/** Ends a transaction that needs something which is to be done before it. */
class NotYet extends Error {
  readonly key: string
  readonly work: () => Promise<unknown>

  constructor(key: string, work: () => Promise<unknown>) {
    super('this is done before the transaction, which is then begun anew')
    this.key = key
    this.work = work
  }
}

/**
 * What takes its time, or waits for what users wrote: never done while a transaction is open, because that would hold a
 * connection and locks. In one, the transaction is undone, the work done, and the transaction begun anew, which finds
 * the result under the key; elsewhere it is just done. A failure is found there as well.
 */
export function beforehand<T>(key: string, work: () => Promise<T>): Promise<T> {
  const of = doing.getStore()
  if (of?.isOpen !== true) return work()
  const found = of.done.get(key)
  if (found !== undefined) return found as Promise<T>
  of.wanted ??= new NotYet(key, work)
  return Promise.reject(of.wanted)
}

/** Whether a transaction is open on whose behalf this is called. */
export function isInTransaction(): boolean {
  return doing.getStore()?.isOpen === true
}

/** More than any definition has of such; what asks without end is a mistake of ours. */
const TIMES_MAX = 2_000

/**
 * Opens a transaction by `open`, again after everything that was to be done before it. What the transaction comes to goes
 * through `whole`, so that it is not committed by who caught what ends it.
 */
export async function withWorkBeforehand<T>(open: (whole: <R>(result: R) => R) => Promise<T>): Promise<T> {
  const done = new Map<string, Promise<unknown>>()
  for (let times = 0; ; times += 1) {
    const of: Doing = { isOpen: true, done, wanted: null }
    const whole = <R>(result: R): R => {
      if (of.wanted !== null) throw of.wanted
      return result
    }
    try {
      return await doing.run(of, () => open(whole))
    } catch (error) {
      if (of.wanted === null || times >= TIMES_MAX) throw error
    } finally {
      of.isOpen = false
    }
    const result = of.wanted.work()
    done.set(of.wanted.key, result)
    await result.catch(() => {})
  }
}
