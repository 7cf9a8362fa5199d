import { useMemo } from 'react'
import { formulaCompletion } from '../code/formula-completion.ts'
import { CodeField } from './code-field.tsx'
import type { FormScope } from './scope.ts'
import { type Reading, useValueText } from './value-text.ts'

interface FormulaFieldProps {
  label: string
  description?: string | undefined
  error?: string | undefined
  required?: boolean
  /** Where its value stands in the form: `request.uri`. */
  path: string
  value: unknown
  onChange(value: unknown): void
  scope: FormScope
}

/** A value or a formula for one: JSON, or text as it is. */
export function FormulaField({ value, onChange, scope, error, path, ...field }: FormulaFieldProps) {
  const { text, problem, write } = useValueText({ place: path, value, textOf, read: readValue, onChange })
  const complete = useMemo(() => formulaCompletion(scope), [scope])
  return (
    <CodeField
      {...field}
      language="json"
      error={problem ?? error}
      isField
      minHeight={34}
      complete={complete}
      scope={scope}
      value={text}
      onChange={write}
    />
  )
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' && !looksLikeJson(value) ? value : JSON.stringify(value, null, 2)
}

/** What would be read as something else than this text. */
const looksLikeJson = (text: string) => text.trim() === '' || /^\s*[[{]/.test(text) || parsed(text) !== undefined

/** Only what begins an object or a list has to be JSON; anything else that is not JSON is text as it stands. */
function readValue(text: string): Reading {
  if (text.trim() === '') return { value: undefined, problem: null }
  const value = parsed(text)
  if (value !== undefined) return { value, problem: null }
  if (!/^\s*[[{]/.test(text)) return { value: text, problem: null }
  return { value: undefined, problem: `Not valid JSON yet: ${problemOf(text)}` }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function problemOf(text: string): string {
  try {
    JSON.parse(text)
    return ''
  } catch (error) {
    return (error as Error).message
  }
}
