import { parseExactJson } from '@permea/contract'
import { lazy, Suspense, useMemo } from 'react'
import { Copy } from './copy.tsx'

const CodeView = lazy(() => import('../code/code-view.tsx'))

/** Beyond this many characters a value is shown as plain text: highlighting it would hold up the page. */
const RICH_CHARS_MAX = 300_000

interface JsonProps {
  value: unknown
  /** What it is, for those who cannot see what it stands beside. */
  label: string
  /** Stands above it. */
  title?: string
  maxHeight?: number
}

/** A value as JSON, with folding and a copy button. */
export function Json({ value, label, title, maxHeight = 420 }: JsonProps) {
  const text = useMemo(() => prettyOf(value), [value])
  const box = (
    <div className="code-box">
      <div className="code-tools">
        <Copy text={text} what={label} />
      </div>
      {text.length > RICH_CHARS_MAX ? (
        <Plain text={text} label={label} maxHeight={maxHeight} />
      ) : (
        <Suspense fallback={<Plain text={text} label={label} maxHeight={maxHeight} />}>
          <CodeView text={text} label={label} maxHeight={maxHeight} />
        </Suspense>
      )}
    </div>
  )
  if (title === undefined) return box
  return (
    <div>
      <div className="small-title">{title}</div>
      {box}
    </div>
  )
}

/** Text that may be wider and longer than its place. */
export function Plain({ text, label, maxHeight }: { text: string; label: string; maxHeight?: number }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <pre role="region" aria-label={label} tabIndex={0} style={{ maxHeight }}>
      {text}
    </pre>
  )
}

/** JSON text within a value (a body as it was sent) is shown as JSON too. */
function prettyOf(value: unknown): string {
  if (value === undefined) return ''
  if (typeof value === 'string') {
    try {
      const parsed: unknown = parseExactJson(value)
      return typeof parsed === 'object' && parsed !== null ? JSON.stringify(parsed, null, 2) : value
    } catch {
      return value
    }
  }
  return JSON.stringify(value, null, 2)
}
