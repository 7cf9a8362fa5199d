import type { CompletionSource } from '@codemirror/autocomplete'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { type Language, writing } from './setup.ts'

interface CodeEditorProps {
  value: string
  onChange(text: string): void
  label: string
  language: Language
  complete?: CompletionSource | undefined
  minHeight?: number
  maxHeight?: number
}

/** An editor for JSON or a function. */
export default function CodeEditor(props: CodeEditorProps) {
  const { value, label, language, complete, minHeight = 120, maxHeight = 480 } = props
  const isDark = useComputedColorScheme('light') === 'dark'
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const onChange = useRef(props.onChange)
  const latest = useRef(value)
  useEffect(() => {
    onChange.current = props.onChange
  })
  useEffect(() => {
    if (place.current === null) return
    const changed = (text: string) => {
      latest.current = text
      onChange.current(text)
    }
    const extensions = writing({ label, isDark, language, complete, onChange: changed })
    const made = new EditorView({
      state: EditorState.create({ doc: latest.current, extensions }),
      parent: place.current,
    })
    view.current = made
    return () => made.destroy()
  }, [label, isDark, language, complete])
  useEffect(() => {
    // What was set from outside, not typed.
    if (view.current === null || latest.current === value) return
    latest.current = value
    view.current.dispatch({ changes: { from: 0, to: view.current.state.doc.length, insert: value } })
  }, [value])
  return <div ref={place} style={{ minHeight, maxHeight, overflow: 'auto' }} />
}
