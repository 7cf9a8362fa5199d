import { isRecord, put } from './coercion.ts'
import type { Run } from './evaluator.ts'
import { parseLocator, readAt } from './locator.ts'

/**
 * Replaces every `{$copy: locator}` the run put into the result by what stands at the locator in that result.
 *
 * A copy that finds nothing is removed, and so is a copy of something which itself contains a copy. A result that is
 * nothing but a copy has nothing to copy from and stays. Data that merely looks like a copy is not touched.
 *
 * @source observed on the published client's synchronous evaluation, which throws for a copy of a copy
 */
export function resolveCopies(result: unknown, run: Run): unknown {
  const { copies } = run
  if (copies.size === 0 || (isRecord(result) && copies.has(result))) return result
  const rebuilt = new Map<object, unknown>()
  const holdsCopy = containsOneOf(copies, run)

  const found = (copy: { $copy?: unknown }): unknown => {
    const locator = parseLocator(copy.$copy)
    const target = locator === null ? undefined : readAt(result, locator, 'kept')
    if (holdsCopy(target, 1)) return undefined
    run.budget.refer(target)
    return target
  }
  const rebuild = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !holdsCopy(value, 1)) return value
    if (copies.has(value)) return found(value)
    if (rebuilt.has(value)) return rebuilt.get(value)
    const copy = Array.isArray(value) ? rebuildArray(value, rebuild) : rebuildRecord(value, rebuild)
    rebuilt.set(value, copy)
    return copy
  }
  return rebuild(result)
}

function rebuildArray(items: readonly unknown[], rebuild: (value: unknown) => unknown): unknown[] {
  return items.map(rebuild).filter((item) => item !== undefined)
}

function rebuildRecord(record: object, rebuild: (value: unknown) => unknown): Record<string, unknown> {
  const copy: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(record)) {
    const resolved = rebuild(value)
    if (resolved !== undefined) put(copy, key, resolved)
  }
  return copy
}

function containsOneOf(sought: ReadonlySet<object>, run: Run): (value: unknown, depth: number) => boolean {
  const known = new Map<object, boolean>()
  const contains = (value: unknown, depth: number): boolean => {
    if (typeof value !== 'object' || value === null) return false
    if (sought.has(value)) return true
    const before = known.get(value)
    if (before !== undefined) return before
    run.budget.assertDepth(depth)
    const answer = Object.values(value).some((member) => contains(member, depth + 1))
    known.set(value, answer)
    return answer
  }
  return contains
}
