import { createHash } from 'node:crypto'
import { DEDUPE_SECONDS, type DedupeKey } from '@permea/contract'
import { bodyAsValue, openBody, queryValue } from '../bodies/body-value.ts'
import { FormulaTooLarge } from '../formulas/bounds.ts'
import { compileFormula } from '../formulas/compile-formula.ts'
import { parseLocator, readAt } from '../formulas/locator.ts'
import type { ReceivedRequest } from './handle.ts'

/** How an event is known again. */
export interface EventIdentity {
  /** 16 bytes. */
  key: Buffer
  forMs: number
}

/**
 * What identifies each of the events that one subscription gets of a request; null for those of which the key says
 * nothing. A key that looks at the request alone tells its events apart by their place.
 */
export async function identitiesOf(
  dedupeKey: DedupeKey,
  request: ReceivedRequest,
  parameters: unknown,
  events: readonly unknown[],
): Promise<(EventIdentity | null)[]> {
  const { header, path, formula } = dedupeKey
  const forMs = (dedupeKey.forSeconds ?? DEDUPE_SECONDS) * 1000
  const identity = (value: unknown, place: number | null): EventIdentity | null => {
    const text = textOf(value)
    if (text === null) return null
    // Two places where the same text stands do not say the same.
    const hash = createHash('sha256').update(`${header ?? ''}\n${path ?? ''}\n${place ?? ''}\n${text}`)
    return { key: hash.digest().subarray(0, KEY_BYTES), forMs }
  }
  if (header !== undefined) {
    const value = request.headers[header.toLowerCase()]
    return events.map((_, place) => identity(value, place))
  }
  if (path !== undefined) {
    const locator = parseLocator(path)
    return events.map((event) => identity(locator === null ? null : readAt(event, locator, 'missing'), null))
  }
  const compiled = compileFormula(formula)
  const seen = await requestScope(request)
  const isOfRequest = !JSON.stringify(formula).includes('$.event')
  const evaluated = events.map(async (event, place) => {
    try {
      const value = await compiled.evaluate({ event, request: seen, parameters })
      return identity(value, isOfRequest ? place : null)
    } catch (error) {
      // Too large to be an identity: the event counts all the same.
      if (error instanceof FormulaTooLarge) return null
      throw error
    }
  })
  return Promise.all(evaluated)
}

const KEY_BYTES = 16

function textOf(value: unknown): string | null {
  if (isVoid(value)) return null
  // Halves of characters would all be hashed as the same one; as JSON each is written out.
  return typeof value === 'string' && value.isWellFormed() ? value : JSON.stringify(value)
}

/** Nothing, or made of nothing: what an event does not have must not make it equal to others. */
function isVoid(value: unknown): boolean {
  if (value === undefined || value === null || value === '') return true
  if (value instanceof Number) return false
  return typeof value === 'object' && Object.values(value).every(isVoid)
}

async function requestScope({
  method,
  query,
  headers,
  body,
  opened,
}: ReceivedRequest): Promise<Record<string, unknown>> {
  const data = await bodyAsValue(opened ?? (await openBody(body, headers)), headers)
  return { method, headers, query: queryValue(query), data }
}
