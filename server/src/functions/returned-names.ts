import { nearestName } from '../api/nearest-name.ts'
import type { SandboxLogLine } from '../sandbox/call.ts'

/** Names that what a function returns may have. */
export interface ReturnedNames {
  known: readonly string[]
  /** Whether names that resemble none of them are told of too; not where all that is returned may be a state. */
  areOthersTold: boolean
}

const REGISTRATION = ['state', 'nextRefreshTimestamp', 'globalWebhookKey', 'globalWebhookEventSelector']

/** What functions of a slot return of which some may be left out, so that a misspelt name fails nothing. */
export const RETURNED_BY: ReadonlyMap<string, readonly string[]> = new Map([
  ['subscribe', REGISTRATION],
  ['getEventSelector', REGISTRATION],
  ['refresh', ['state', 'nextRefreshTimestamp']],
])

/**
 * Says of names that nobody reads that they are not used. The call counts all the same: what it did at an app, a
 * registration, is done, and would be done again if it had failed.
 */
export function unusedNames(value: unknown, { known, areOthersTold }: ReturnedNames): SandboxLogLine[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return []
  return Object.keys(value)
    .filter((name) => !known.includes(name))
    .map((name) => ({ name, meant: nearestName(name, known) }))
    .filter(({ meant }) => areOthersTold || meant !== null)
    .slice(0, NAMES_MAX)
    .map(({ name, meant }) => {
      const hint = meant === null ? `what is used is ${known.join(', ')}` : `did you mean ${meant}?`
      return { level: 'warn', message: `returned ${JSON.stringify(name.slice(0, 100))}, which is not used; ${hint}` }
    })
}

const NAMES_MAX = 5
