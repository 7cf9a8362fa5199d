import { Button, type ButtonProps, Tooltip } from '@mantine/core'
import type { ComponentPropsWithoutRef } from 'react'
import { type EndpointName, refusalOf } from '../session/may.ts'

interface MayButtonProps extends ButtonProps, Omit<ComponentPropsWithoutRef<'button'>, keyof ButtonProps> {
  /** What it calls; null where that is nothing of the API. */
  needs: EndpointName | null
  /** Why it cannot be done now, beside that the role may not. */
  unless?: string | false | null | undefined
}

/** A button that is disabled, with the reason, where whoever is signed in may not do what it does. */
export function MayButton({ needs, unless, onClick, ...look }: MayButtonProps) {
  const refusal = refusalOf(needs) ?? (typeof unless === 'string' ? unless : null)
  if (refusal === null)
    return <Button {...look} {...(onClick === undefined ? {} : { onClick })} data-calls={needs ?? undefined} />
  // It stays reachable by keyboard, so that the reason can be read.
  return (
    <Tooltip label={refusal} multiline maw={320}>
      <Button
        {...look}
        data-disabled
        aria-disabled
        aria-description={refusal}
        data-calls={needs ?? undefined}
        onClick={(event) => event.preventDefault()}
      />
    </Tooltip>
  )
}
