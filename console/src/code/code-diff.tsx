import { unifiedMergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView } from '@codemirror/view'
import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef } from 'react'
import { reading } from './setup.ts'

/** A text as it is to be, with what it has in the place of what was there before. */
export default function CodeDiff({ before, after, label }: { before: string; after: string; label: string }) {
  const isDark = useComputedColorScheme('light') === 'dark'
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (place.current === null) return
    const changes = unifiedMergeView({
      original: before,
      mergeControls: false,
      gutter: true,
      collapseUnchanged: { margin: 3, minSize: 6 },
    })
    const state = EditorState.create({ doc: after, extensions: [reading(label, isDark, 'json'), changes] })
    const view = new EditorView({ state, parent: place.current })
    return () => view.destroy()
  }, [before, after, label, isDark])
  return <div ref={place} style={{ maxHeight: 560, overflow: 'auto' }} />
}
