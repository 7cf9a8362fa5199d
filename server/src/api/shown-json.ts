import { parseExactJson } from '@permea/contract'

/** What stands in the place of a value that is stored and cannot be read any more. */
const BROKEN = { error: { type: 'internal', key: 'internal', message: 'what is stored here cannot be read' } }

/** A stored value, for people to look at: one that is broken says so, and leaves the list that it is in whole. */
export function shownJson(text: string): unknown {
  try {
    return parseExactJson(text) as unknown
  } catch {
    return BROKEN
  }
}
