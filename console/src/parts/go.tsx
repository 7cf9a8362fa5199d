import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'

type Params = Readonly<Record<string, string | undefined>>

/** A button that leads to where something new is made; `search` says what of. */
export function NewButton({ path, label, search = {} }: { path: string; label: string; search?: Params }) {
  return (
    <Button
      size="sm"
      leftSection={<IconPlus size={16} />}
      renderRoot={(root) => <Link {...root} to={`/${path}/new`} search={search} />}
    >
      {label}
    </Button>
  )
}
