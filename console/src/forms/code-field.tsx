import type { CompletionSource } from '@codemirror/autocomplete'
import { Input } from '@mantine/core'
import { lazy, Suspense, useId } from 'react'
import type { Language } from '../code/setup.ts'

const CodeEditor = lazy(() => import('../code/code-editor.tsx'))

interface CodeFieldProps {
  label: string
  description?: string | undefined
  error?: string | undefined
  placeholder?: string
  required?: boolean
  language: Language
  value: string
  onChange(text: string): void
  complete?: CompletionSource | undefined
  /** A field of one line that may have more: Tab leaves it. */
  isField?: boolean
  minHeight?: number
}

/** An editor among the fields of a form. */
export function CodeField({ label, description, error, required = false, placeholder, ...editor }: CodeFieldProps) {
  const id = useId()
  return (
    <Input.Wrapper label={label} description={description} error={error} required={required} labelElement="div" id={id}>
      <div className="code-box code-field" data-bad={error !== undefined}>
        <Suspense fallback={<pre>{editor.value}</pre>}>
          <CodeEditor label={label} {...editor} />
        </Suspense>
        {editor.value === '' && placeholder !== undefined && placeholder !== '' && (
          <button type="button" className="code-hint" onClick={() => editor.onChange(placeholder)}>
            Begin with an example
          </button>
        )}
      </div>
    </Input.Wrapper>
  )
}
