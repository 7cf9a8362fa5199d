import { Alert, Button, Group } from '@mantine/core'
import { Moment } from '../parts/moment.tsx'

/** Says that what a form shows was begun earlier and is not saved. */
export function DraftNotice({ keptAt, onDiscard }: { keptAt: string | null; onDiscard(): void }) {
  if (keptAt === null) return null
  return (
    <Alert role="status" variant="outline" color="yellow" p="xs">
      <Group justify="space-between" gap="xs">
        <span>
          Your draft of <Moment at={keptAt} />: it is not saved yet.
        </span>
        <Button size="compact-xs" variant="default" onClick={onDiscard}>
          Discard the draft
        </Button>
      </Group>
    </Alert>
  )
}
