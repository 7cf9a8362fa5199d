import type { CompletionSource } from '@codemirror/autocomplete'
import { Input } from '@mantine/core'
import { lazy, Suspense, useCallback, useId, useRef } from 'react'
import type { Language } from '../code/setup.ts'
import { Plain } from '../parts/json.tsx'
import { PathPicker } from './path-picker.tsx'
import type { FormScope } from './scope.ts'

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
  /** Of which fields can be picked. */
  scope?: Pick<FormScope, 'paths' | 'samples'> | undefined
  /** A field of one line that may have more: Tab leaves it. */
  isField?: boolean
  minHeight?: number
}

/** An editor among the fields of a form. */
export function CodeField({
  label,
  description,
  error,
  required = false,
  placeholder,
  scope,
  ...editor
}: CodeFieldProps) {
  const id = useId()
  const insert = useRef<((path: string) => void) | null>(null)
  const onReady = useCallback((to: ((path: string) => void) | null) => {
    insert.current = to
  }, [])
  return (
    <Input.Wrapper label={label} description={description} error={error} required={required} labelElement="div" id={id}>
      <div className="code-box code-field" data-bad={error !== undefined}>
        <Suspense fallback={<Plain label={label} text={editor.value} />}>
          <CodeEditor label={label} onReady={onReady} {...editor} />
        </Suspense>
        {scope !== undefined && scope.paths.length > 0 && (
          <div className="code-tools">
            <PathPicker label={label} scope={scope} onPick={(path) => insert.current?.(path)} />
          </div>
        )}
        {editor.value === '' && placeholder !== undefined && placeholder !== '' && (
          <button type="button" className="code-hint" onClick={() => editor.onChange(placeholder)}>
            Begin with an example
          </button>
        )}
      </div>
    </Input.Wrapper>
  )
}
