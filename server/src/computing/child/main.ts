import type { SaidByChild, SaidToChild, TaskResult, Tasks } from '../messages.ts'
import { Assembly, inTurns, isLarge } from '../parts.ts'

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

/** Arguments that come in parts, by the task that they are of. */
const arriving = new Map<number, Assembly>()

function assembled(id: number): unknown {
  const value = arriving.get(id)?.value
  arriving.delete(id)
  return value
}

/** What is large would hold up the engine while it reads it. */
async function parted(id: number, outcome: Returned): Promise<Returned> {
  if (!isLarge(outcome.value)) return outcome
  try {
    await inTurns(outcome.value, (part) => process.send?.({ id, part } satisfies SaidByChild))
    return { kind: 'returned', value: null, isInParts: true }
  } catch {
    // As a whole it fails as well, and that is told.
    return outcome
  }
}

interface Returned {
  kind: 'returned'
  value: unknown
  isInParts?: true
}

async function perform({ tasks }: Tasks): Promise<void> {
  for (const { id, module, args: given, isInParts } of tasks) {
    const args = withDoubles(isInParts === true ? assembled(id) : given)
    let outcome: Outcome
    const isNew = !modules.has(module)
    const { default: perform } = await moduleAt(module).catch((error: unknown) => ({
      default: () => {
        throw error
      },
    }))
    // Loading and reading are not the task's own time: that they are done is told at once.
    if (isNew || isInParts === true) flush(true)
    const before = process.cpuUsage()
    try {
      outcome = { kind: 'returned', value: await perform(args) }
    } catch (error) {
      outcome = thrown(error)
    }
    const { user, system } = process.cpuUsage(before)
    results.push({
      id,
      cpuMs: (user + system) / 1000,
      ...(outcome.kind === 'returned' ? await parted(id, outcome) : outcome),
    })
    if (performance.now() - flushedAtMs > FLUSH_MS) flush()
  }
  flush()
}

process.on('message', (message: SaidToChild) => {
  if ('part' in message) {
    const assembly = arriving.get(message.id) ?? new Assembly()
    arriving.set(message.id, assembly)
    assembly.add(message.part)
  } else work = work.then(() => perform(message))
})
send({ isReady: true })
