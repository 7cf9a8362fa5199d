import { answerText } from '../api/shown-json.ts'
import { jsonText } from '../bodies/json-text.ts'
import { compute } from '../computing/computing.ts'
import { SOURCE_ENDING } from '../platform/own-files.ts'
import { valueSize } from '../platform/value-size.ts'
import { type Changes, changesOf, type Fields, shownFields } from './changes.ts'
import type { ChangesTask } from './changes-task.ts'

const MODULE = new URL(`./changes-task${SOURCE_ENDING}`, import.meta.url).href

/** Characters that are compared here; more are in a process apart, since all of it is looked at several times. */
const CHARS_AT_ONCE = 64 * 1024
const COMPARE_MS = 2000
const SIZE_AT_ONCE = 16_384

/** What a record says where comparing takes longer than it may. */
const TOO_LARGE = { note: 'too large to be compared' }

/** As `changesOf`; however large it is, nobody waits for it. */
export async function comparedChanges(
  given: { before: unknown; after: unknown; input: unknown },
  owner: string,
): Promise<Changes> {
  const [before, after, input] = await texts([given.before, given.after, given.input])
  if (before.length + after.length + input.length <= CHARS_AT_ONCE) return changesOf(given)
  const known = await apart<Changes>({ do: 'compare', before, after, input }, owner)
  return known ?? { changed: [], before: null, after: TOO_LARGE }
}

/** As `shownFields`. */
export async function fieldsShown(fields: Fields, given: unknown, owner: string): Promise<Fields> {
  const [text, input] = await texts([fields, given])
  if (text.length + input.length <= CHARS_AT_ONCE) return shownFields(fields, given)
  return (await apart<Fields>({ do: 'show', fields: text, input }, owner)) ?? TOO_LARGE
}

async function apart<Found>(args: ChangesTask, owner: string): Promise<Found | null> {
  const outcome = await compute({ module: MODULE, args, owner, budgetMs: COMPARE_MS })
  return outcome.kind === 'returned' ? (outcome.value as Found) : null
}

async function texts<const Values extends readonly unknown[]>(
  values: Values,
): Promise<{ [Name in keyof Values]: string }> {
  const written: string[] = []
  for (const value of values) written.push(await textOf(value ?? null))
  return written as { [Name in keyof Values]: string }
}

/** What an element has stored goes into its text as it stands; everything else is written in turns. */
function textOf(value: unknown): string | Promise<string> {
  return valueSize(value, SIZE_AT_ONCE) > SIZE_AT_ONCE ? jsonText(value) : answerText(value)
}
