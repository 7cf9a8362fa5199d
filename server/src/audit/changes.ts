import { codeSecretsOf } from '../exchanges/literal-secrets.ts'
import { maskOf } from '../exchanges/mask.ts'
import { MASKED, maskedValue } from '../exchanges/masked.ts'
import { isSecretName } from '../exchanges/secret-names.ts'
import { isRecord } from '../formulas/coercion.ts'

/** What a change changed, as records show it. */
export interface Changes {
  /** Paths of fields. */
  changed: string[]
  before: Record<string, unknown> | null
  after: Record<string, unknown> | null
}

export type Fields = Record<string, unknown>

/** They change with every change, and say nothing. */
const SILENT: ReadonlySet<string> = new Set(['updatedAt', 'revision', 'lastActiveAt'])

const PATHS_MAX = 100
const DEPTH_MAX = 6
/** The longest value of a field that is kept whole, and all of them together, in characters of JSON. */
const FIELD_CHARS_MAX = 8_000
const ALL_CHARS_MAX = 48_000

/**
 * What is other in an element than before: of one that was there and still is the fields that changed, of one that is new
 * or gone all of them. Secrets are masked by the rule for names, and whatever was given under such a name is masked
 * wherever it stands. Of secrets, which no answer shows, it is said that they were given.
 */
export function changesOf(given: { before: unknown; after: unknown; input: unknown }): Changes {
  const before = fieldsOf(given.before)
  const after = fieldsOf(given.after)
  const mask = maskOf({
    args: () => ({ input: given.input, before: given.before, after: given.after }),
    // An element shows its code to who may change it; here others read it, and it stays when the element is gone.
    secrets: codeSecretsOf(given),
  })
  const shown = (fields: Fields) => maskedValue(mask.value(fields)) as Fields
  const secrets = secretsIn(given.input)
  if (before === null || after === null)
    return {
      changed: secrets,
      before: before === null ? null : bounded(shown(before)),
      after: after === null ? null : bounded(shown(after)),
    }
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
  const differing = names.filter((name) => !SILENT.has(name) && !isSame(before[name], after[name]))
  const paths: string[] = []
  for (const name of differing) pathsIn(before[name], after[name], name, paths)
  const only = (fields: Fields) => Object.fromEntries(differing.flatMap((n) => (n in fields ? [[n, fields[n]]] : [])))
  return {
    changed: [...new Set([...paths.map(mask.text), ...secrets])].slice(0, PATHS_MAX),
    before: bounded(shown(only(before))),
    after: bounded(shown(only(after))),
  }
}

/** A value as a record may show it by itself. */
export function shownFields(fields: Fields, input: unknown = fields): Fields {
  return bounded(
    maskedValue(maskOf({ args: () => ({ input }), secrets: codeSecretsOf(input) }).value(fields)) as Fields,
  )
}

function fieldsOf(value: unknown): Fields | null {
  return isRecord(value) ? value : null
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}

function pathsIn(before: unknown, after: unknown, path: string, into: string[], depth = 1): void {
  if (into.length >= PATHS_MAX) return
  const [one, other] = [fieldsOf(before), fieldsOf(after)]
  if (one === null || other === null || depth >= DEPTH_MAX) return void into.push(path)
  for (const name of new Set([...Object.keys(one), ...Object.keys(other)]))
    if (!isSame(one[name], other[name])) pathsIn(one[name], other[name], `${path}.${name}`, into, depth + 1)
}

/** Paths of what was given under names of secrets. */
function secretsIn(input: unknown): string[] {
  const found: string[] = []
  const look = (value: unknown, path: string, depth: number) => {
    const fields = fieldsOf(value)
    if (fields === null || depth > DEPTH_MAX) return
    for (const [name, each] of Object.entries(fields)) {
      if (found.length >= PATHS_MAX) return
      const at = path === '' ? name : `${path}.${name}`
      if (isSecretName(name) && each !== undefined && each !== null) found.push(at.slice(0, PATH_CHARS_MAX))
      else look(each, at, depth + 1)
    }
  }
  look(input, '', 1)
  return found
}

const PATH_CHARS_MAX = 300

/**
 * What lets in whoever has it and stands under no name of a secret: links of the engine's own (to the console, to connect, to
 * an archive), and API keys.
 */
const LETS_IN = /(\/console\/sign-in#(?:\w+=)?|\/connect\?request=|\/archive\.zip\?key=|permea_(?=[\w-]{43}))[\w-]+/g

function withoutAdmission(text: string): string {
  return text.replaceAll(LETS_IN, `$1${MASKED}`)
}

/** What is long is cut, and says so. */
function bounded(fields: Fields): Fields {
  let left = ALL_CHARS_MAX
  return Object.fromEntries(
    Object.entries(fields).map(([name, given]) => {
      const whole = JSON.stringify(given) ?? 'null'
      const text = withoutAdmission(whole)
      const value: unknown = text === whole ? given : JSON.parse(text)
      const most = Math.min(FIELD_CHARS_MAX, Math.max(0, left))
      left -= Math.min(text.length, most)
      return [name, text.length <= most ? value : `${text.slice(0, most)}… (${text.length} characters in all)`]
    }),
  )
}
