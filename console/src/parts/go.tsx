import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'

/** A button that leads to where something new is made. */
export function NewButton({ path, label }: { path: string; label: string }) {
  return (
    <Button component={Link} to={`/${path}/new`} size="sm" leftSection={<IconPlus size={16} />}>
      {label}
    </Button>
  )
}
