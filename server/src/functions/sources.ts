import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { beforehand, isInTransaction } from '../platform/beforehand.ts'
import type { Sandbox, SourceCheck } from '../sandbox/call.ts'

/** Sources whose code is kept ready, in characters of all of them. */
const SOURCES_CHARS_MAX = 64 * 1024 * 1024
const SOURCES_MAX = 10_000

/** What sources come to when they are loaded. */
export type CheckSource = (source: string, fileName: string, payer?: string) => Promise<SourceCheck>

/**
 * Has each source stripped and loaded once and remembers its code. A refusal is not remembered, since a sandbox in
 * trouble refuses too.
 */
export function rememberingSources(sandbox: Sandbox): CheckSource {
  const checks = new LRUCache<string, Promise<SourceCheck>>({
    max: SOURCES_MAX,
    maxSize: SOURCES_CHARS_MAX,
    sizeCalculation: (_, source) => source.length + 1,
  })
  const loaded: CheckSource = (source, fileName, payer) => {
    const known = checks.get(source)
    if (known !== undefined) return known
    const check = sandbox.checkSource(source, fileName, payer)
    checks.set(source, check)
    const forget = () => checks.peek(source) === check && checks.delete(source)
    check.then((result) => result.kind === 'refused' && forget(), forget)
    return check
  }
  return (source, fileName, payer) =>
    isInTransaction()
      ? beforehand(createHash('sha256').update(source).digest('base64'), () => loaded(source, fileName, payer))
      : loaded(source, fileName, payer)
}
