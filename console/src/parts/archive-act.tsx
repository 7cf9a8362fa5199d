import { Act } from './act.tsx'

interface ArchiveActProps {
  name: string
  isArchived: boolean
  /** What follows from it. */
  text: string
  archive(): Promise<unknown>
  restore?: () => Promise<unknown>
}

/** Puts an element away, or brings it back. */
export function ArchiveAct({ name, isArchived, text, archive, restore }: ArchiveActProps) {
  if (isArchived) return restore === undefined ? null : <Act label="Restore" run={restore} said="Restored" />
  return <Act label="Archive" run={archive} said="Archived" confirm={{ title: `Archive “${name}”?`, text }} />
}
