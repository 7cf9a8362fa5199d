import { useEffect, useMemo, useRef, useState } from 'react'
import { formulaCompletion } from '../code/formula-completion.ts'
import { CodeField } from './code-field.tsx'
import type { FormScope } from './schema-form.tsx'

interface FormulaFieldProps {
  label: string
  description?: string | undefined
  error?: string | undefined
  required?: boolean
  value: unknown
  onChange(value: unknown): void
  scope: FormScope
}

/** A value or a formula for one: JSON, or text as it is. */
export function FormulaField({ value, onChange, scope, error, ...field }: FormulaFieldProps) {
  const [text, setText] = useState(() => textOf(value))
  const [problem, setProblem] = useState<string | null>(null)
  const sent = useRef(value)
  useEffect(() => {
    // What was set from outside: another node, or changes undone.
    if (Object.is(sent.current, value)) return
    sent.current = value
    setText(textOf(value))
    setProblem(null)
  }, [value])
  const complete = useMemo(() => formulaCompletion(scope.paths), [scope.paths])
  return (
    <CodeField
      {...field}
      language="json"
      error={problem ?? error}
      minHeight={34}
      complete={complete}
      value={text}
      onChange={(to) => {
        setText(to)
        const read = readValue(to)
        setProblem(read.problem)
        if (read.problem !== null) return
        sent.current = read.value
        onChange(read.value)
      }}
    />
  )
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' && !looksLikeJson(value) ? value : JSON.stringify(value, null, 2)
}

const looksLikeJson = (text: string) => /^\s*(?:[[{"]|-?\d|(?:true|false|null)\s*$)/.test(text)

function readValue(text: string): { value: unknown; problem: string | null } {
  if (text.trim() === '') return { value: undefined, problem: null }
  if (!looksLikeJson(text)) return { value: text, problem: null }
  try {
    return { value: JSON.parse(text), problem: null }
  } catch (error) {
    return { value: undefined, problem: `Not valid JSON yet: ${(error as Error).message}` }
  }
}
