import type { ReactNode } from 'react'
import type { Choice } from '../records/url-state.ts'
import { type FunctionText, functionOf, textOfFunction } from './function-text.ts'
import type { FormScope } from './scope.ts'

type FieldKind =
  | 'text'
  | 'long'
  | 'json'
  | 'switch'
  | 'choice'
  | 'choices'
  | 'number'
  | 'lookup'
  | 'javascript'
  | 'destination'
  | 'source'
  /** A list of texts. */
  | 'names'
  /** What users define behaviour with: code, a mapping, or a request. */
  | 'function'
  /** Shown by itself, see `show`. */
  | 'own'

/** What a field that shows itself is given. */
export interface OwnField {
  value: unknown
  /** Of the whole form. */
  values: Values
  error: string | undefined
  isReadOnly: boolean
  onChange(value: unknown): void
}

/** One field of a form; its name is that of the API. */
export interface Field {
  name: string
  label: string
  about?: string
  kind: FieldKind
  required?: boolean
  /** Is never kept in the browser as part of a draft. */
  isSecret?: boolean
  placeholder?: string
  choices?: readonly Choice[]
  lookUp?: () => Promise<readonly Choice[]>
  /** Of JSON with formulas in it: what they can name. */
  scope?: Pick<FormScope, 'paths' | 'samples'>
  /** Of a function: what writing it begins with. */
  start?: string
  show?(given: OwnField): ReactNode
  /** Under which heading it stands. */
  section?: string
  /** Cannot be changed once the element is there, and why. */
  fixed?: string
}

export type Values = Record<string, unknown>

/** What the fields show of an element: JSON as text. */
export function shownValues(fields: readonly Field[], of: Values): Values {
  return Object.fromEntries(
    fields.map(({ name, kind }) => {
      const value = of[name]
      if (kind === 'json') return [name, value === undefined || value === null ? '' : JSON.stringify(value, null, 2)]
      if (kind === 'switch') return [name, value === true]
      if (kind === 'choices' || kind === 'names') return [name, value ?? []]
      if (kind === 'function') return [name, textOfFunction(value)]
      return [name, value ?? '']
    }),
  )
}

/**
 * What to send: what differs from what was there, and what is wrong with which field. An emptied field is sent as null,
 * which unsets.
 */
export function changesOf(
  fields: readonly Field[],
  shown: Values,
  before: Values,
): { body: Values; problems: Record<string, string> } {
  const body: Values = {}
  const problems: Record<string, string> = {}
  for (const field of fields) {
    const { name, kind } = field
    if (shown[name] === before[name]) {
      if (field.required === true && isEmpty(shown[name])) problems[name] = `${field.label} is needed`
      continue
    }
    if (isEmpty(shown[name])) {
      if (field.required === true) problems[name] = `${field.label} is needed`
      else body[name] = null
    } else if (kind === 'json') {
      try {
        body[name] = JSON.parse(String(shown[name]))
      } catch (error) {
        problems[name] = `Not valid JSON: ${(error as Error).message}`
      }
    } else if (kind === 'function') {
      const read = functionOf(shown[name] as FunctionText)
      if (typeof read === 'string') problems[name] = read
      else body[name] = read
    } else
      body[name] =
        kind === 'text' || kind === 'destination' || kind === 'source' ? String(shown[name]).trim() : shown[name]
  }
  return { body, problems }
}

const isEmpty = (value: unknown) => value === '' || value === undefined || value === null
