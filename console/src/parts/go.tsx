import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { type EndpointName, refusalOf } from '../session/may.ts'
import { MayButton } from './may-button.tsx'

type Params = Readonly<Record<string, string | undefined>>

interface NewButtonProps {
  path: string
  label: string
  /** What makes it. */
  needs: EndpointName
  search?: Params
}

/** A button that leads to where something new is made; `search` says what of. */
export function NewButton({ path, label, needs, search = {} }: NewButtonProps) {
  if (refusalOf(needs) !== null)
    return (
      <MayButton size="sm" leftSection={<IconPlus size={16} />} needs={needs}>
        {label}
      </MayButton>
    )
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
