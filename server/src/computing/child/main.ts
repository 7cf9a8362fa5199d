import type { SaidByChild, TaskResult, TasksForChild } from '../messages.ts'

/** Results are sent at least this often while a batch is performed, so that the engine sees that it goes on. */
const FLUSH_MS = 10

interface TaskModule {
  default(args: unknown): unknown
}

const modules = new Map<string, Promise<TaskModule>>()
let results: TaskResult[] = []
let flushedAtMs = performance.now()
let work: Promise<void> = Promise.resolve()

function moduleAt(url: string): Promise<TaskModule> {
  const loading = modules.get(url) ?? (import(url) as Promise<TaskModule>)
  modules.set(url, loading)
  return loading
}

function flush(isSign = false): void {
  flushedAtMs = performance.now()
  if (results.length === 0 && !isSign) return
  const sent = results
  results = []
  send({ results: sent })
}

function send(message: SaidByChild): void {
  try {
    process.send?.(message)
  } catch {
    // One of them cannot be sent as it is: each is tried for itself.
    if (!('results' in message)) return
    for (const result of message.results) {
      try {
        process.send?.({ results: [result] })
      } catch (error) {
        process.send?.({ results: [{ id: result.id, cpuMs: result.cpuMs, ...thrown(error) }] })
      }
    }
  }
}

type Outcome = { kind: 'returned'; value: unknown } | { kind: 'thrown'; name: string; message: string }

function thrown(error: unknown): Outcome & { kind: 'thrown' } {
  const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
  return { kind: 'thrown', name, message: message.slice(0, 1000) }
}

/** Numbers whose text counts come as objects, without it: what is checked and reckoned with here is doubles. */
function withDoubles(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Number) return value.valueOf()
  for (const [name, member] of Object.entries(value)) {
    if (typeof member === 'object' && member !== null) (value as Record<string, unknown>)[name] = withDoubles(member)
  }
  return value
}

async function perform({ tasks }: TasksForChild): Promise<void> {
  for (const { id, module, args } of tasks) {
    let outcome: Outcome
    const isNew = !modules.has(module)
    const { default: perform } = await moduleAt(module).catch((error: unknown) => ({
      default: () => {
        throw error
      },
    }))
    // Loading is not the task's own time: that it is done is told at once.
    if (isNew) flush(true)
    const before = process.cpuUsage()
    try {
      outcome = { kind: 'returned', value: await perform(withDoubles(args)) }
    } catch (error) {
      outcome = thrown(error)
    }
    const { user, system } = process.cpuUsage(before)
    results.push({ id, cpuMs: (user + system) / 1000, ...outcome })
    if (performance.now() - flushedAtMs > FLUSH_MS) flush()
  }
  flush()
}

process.on('message', (message: TasksForChild) => {
  work = work.then(() => perform(message))
})
send({ isReady: true })
