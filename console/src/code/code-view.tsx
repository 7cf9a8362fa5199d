import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { type Language, reading } from './setup.ts'

/** A text that is only looked at. */
export default function CodeView(props: { text: string; label: string; maxHeight: number; language?: Language }) {
  const { text, label, maxHeight, language = 'json' } = props
  const isDark = useComputedColorScheme('light') === 'dark'
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.current === null) return
    const state = EditorState.create({ doc: text, extensions: reading(label, isDark, language) })
    const view = new EditorView({ state, parent: place.current })
    return () => view.destroy()
  }, [text, label, isDark, language])
  return <div ref={place} style={{ maxHeight, overflow: 'auto' }} />
}
