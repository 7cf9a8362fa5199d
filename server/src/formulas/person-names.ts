import humanparser from 'humanparser'

const NAME_CHARS_MAX = 1_000

/**
 * Splits a person's name, dropping titles and suffixes; understands "Doe, Jane" and "Jan van der Berg".
 *
 * A single word is a last name, so `first` is undefined without a `last`. Both are undefined for an empty name, and
 * for one of more than 1,000 characters, which is none.
 *
 * @source observed on the published client
 */
export function splitPersonName(name: string): { first: string | undefined; last: string | undefined } {
  if (name.trim() === '' || name.length > NAME_CHARS_MAX) return { first: undefined, last: undefined }
  const { firstName, lastName } = humanparser.parseName(name)
  return lastName ? { first: firstName, last: lastName } : { first: undefined, last: firstName || undefined }
}
