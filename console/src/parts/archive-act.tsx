import type { EndpointName } from '../session/may.ts'
import { Act } from './act.tsx'

interface ArchiveActProps {
  /** What archiving calls; to bring back takes the same right. */
  needs: EndpointName
  name: string
  isArchived: boolean
  /** What follows from it. */
  text: string
  archive(): Promise<unknown>
  restore?: () => Promise<unknown>
}

/** Puts an element away, or brings it back. */
export function ArchiveAct({ needs, name, isArchived, text, archive, restore }: ArchiveActProps) {
  if (isArchived)
    return restore === undefined ? null : <Act needs={needs} label="Restore" run={restore} said="Restored" />
  return (
    <Act needs={needs} label="Archive" run={archive} said="Archived" confirm={{ title: `Archive “${name}”?`, text }} />
  )
}
