import { Text } from '@mantine/core'
import { Json } from './json.tsx'
import { Moment } from './moment.tsx'

/** A payload, or since when it is not kept any more. */
export function Payload({
  cutAt,
  ...json
}: { value: unknown; label: string; title?: string } & { cutAt: string | undefined }) {
  if (cutAt === undefined) return <Json {...json} />
  return (
    <Text size="sm" c="dimmed">
      The payload is no longer kept since <Moment at={cutAt} isExact />: the event type or the workspace keeps it for a
      shorter time.
    </Text>
  )
}
