import type { ReactNode } from 'react'
import { Json } from './json.tsx'
import { Remedy } from './remedy.tsx'

interface ErrorLike {
  message: string
  key?: string | undefined
  type?: string | undefined
  data?: unknown
}

/** An error as the engine recorded it. */
export function ErrorCard({ error, aside }: { error: ErrorLike; aside?: ReactNode }) {
  return (
    <div className="error-card">
      <p>
        <strong>{error.message}</strong>
      </p>
      <p className="dim">
        <code>{[error.type, error.key].filter(Boolean).join(' · ')}</code> {aside}
      </p>
      <Remedy of={error.key} />
      {error.data !== undefined && error.data !== null && (
        <Json value={error.data} label="details of the error" maxHeight={280} />
      )}
    </div>
  )
}
