import type { CompletionSource } from '@codemirror/autocomplete'
import { Compartment, EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { valueAt } from './formula-completion.ts'
import { fromOutside, type Language, looks, writing } from './setup.ts'

interface CodeEditorProps {
  value: string
  onChange(text: string): void
  label: string
  language: Language
  complete?: CompletionSource | undefined
  /** Is given what puts a path where the cursor is, for as long as the editor is there. */
  onReady?: ((insert: ((path: string) => void) | null) => void) | undefined
  /** Tab goes on to the next field, as in a field of one line. */
  isField?: boolean | undefined
  minHeight?: number
  maxHeight?: number
}

/** An editor for JSON or a function. It is built once: whatever changes around it, who types goes on typing. */
export default function CodeEditor(props: CodeEditorProps) {
  const { value, label, language, isField = false, minHeight = 120, maxHeight = 480 } = props
  const isDark = useComputedColorScheme('light') === 'dark'
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const look = useRef(new Compartment())
  const name = useRef(new Compartment())
  const now = useRef({ ...props, isDark })
  const latest = useRef(value)
  useEffect(() => {
    now.current = { ...props, isDark }
  })
  useEffect(() => {
    if (place.current === null) return
    const extensions = writing({
      language,
      isField,
      complete: (context) => now.current.complete?.(context) ?? null,
      onChange(text) {
        latest.current = text
        now.current.onChange(text)
      },
    })
    const made = new EditorView({
      state: EditorState.create({
        doc: latest.current,
        extensions: [name.current.of(named(now.current.label)), extensions, look.current.of(looks(now.current.isDark))],
      }),
      parent: place.current,
    })
    view.current = made
    const { onReady } = now.current
    onReady?.((path) => insertPath(made, path))
    return () => {
      onReady?.(null)
      made.destroy()
    }
  }, [language, isField])
  useEffect(() => view.current?.dispatch({ effects: look.current.reconfigure(looks(isDark)) }), [isDark])
  useEffect(() => view.current?.dispatch({ effects: name.current.reconfigure(named(label)) }), [label])
  useEffect(() => {
    // What was set from outside, not typed.
    if (view.current === null || latest.current === value) return
    latest.current = value
    view.current.dispatch({
      changes: { from: 0, to: view.current.state.doc.length, insert: value },
      annotations: fromOutside.of(true),
    })
  }, [value])
  return <div ref={place} style={{ minHeight, maxHeight, overflow: 'auto' }} />
}

const named = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' })

/** In the place of what is chosen; within a JSON text the path alone, else the formula for what stands there. */
function insertPath(view: EditorView, path: string): void {
  const { from, to } = view.state.selection.main
  const isInText = /^(?:[^"\\]|\\.|"(?:[^"\\]|\\.)*")*"(?:[^"\\]|\\.)*$/s.test(view.state.sliceDoc(0, from))
  const insert = isInText ? path : valueAt(path)
  view.focus()
  view.dispatch({
    changes: { from, to, insert },
    selection: { anchor: from + insert.length },
    scrollIntoView: true,
    userEvent: 'input.complete',
  })
}
