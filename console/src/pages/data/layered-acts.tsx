import { Act } from '../../parts/act.tsx'
import { ArchiveAct } from '../../parts/archive-act.tsx'

interface Layered {
  id: string
  name: string
  isCustomized?: boolean | undefined
  archivedAt?: string | undefined
}

interface LayeredActsProps {
  /** The group of its endpoints. */
  group: 'dataSources' | 'fieldMappings'
  of: Layered
  /** What follows from archiving it. */
  text: string
  calls: Record<'reset' | 'archive' | 'restore', (input: { params: { selector: string } }) => Promise<unknown>>
}

/** What can be done with an element of the data layer. */
export function LayeredActs({ group, of, text, calls }: LayeredActsProps) {
  const input = { params: { selector: of.id } }
  return (
    <>
      <Act
        needs={`${group}.reset`}
        label="Follow the parent again"
        run={() => calls.reset(input)}
        unless={of.isCustomized ? null : 'It has nothing of its own that differs from a parent'}
        said="It follows its parent again"
      />
      <ArchiveAct
        needs={`${group}.archive`}
        name={of.name}
        isArchived={of.archivedAt !== undefined}
        text={text}
        archive={() => calls.archive(input)}
        restore={() => calls.restore(input)}
      />
    </>
  )
}
