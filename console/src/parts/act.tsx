import { Button, type ButtonProps, Group, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useMutation } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { refreshAll, wordsOf } from '../api.ts'
import type { EndpointName } from '../session/may.ts'
import { MayButton } from './may-button.tsx'

interface ActProps<T> extends ButtonProps {
  label: string
  /** What it calls; null where that is nothing of the API. */
  needs: EndpointName | null
  /** What it does; what it gives goes to `said` and `onDone`. */
  run(): Promise<T>
  /** Why it cannot be done now: shown on the disabled button. */
  unless?: string | false | null | undefined
  /** Asked before it is done. */
  confirm?: { title: string; text: ReactNode; button?: string }
  said?: string | ((result: T) => string)
  onDone?(result: T): void
}

/** A button that does something at the engine: busy meanwhile, disabled with the reason, and says how it went. */
export function Act<T>({ label, needs, run, unless, confirm, said, onDone, ...look }: ActProps<T>) {
  const [isAsking, asking] = useDisclosure(false)
  const { mutate, isPending } = useMutation({
    mutationFn: run,
    onSuccess(result) {
      asking.close()
      refreshAll()
      if (said !== undefined) notifications.show({ message: typeof said === 'function' ? said(result) : said })
      onDone?.(result)
    },
    onError(error) {
      asking.close()
      notifications.show({ color: 'red', title: `${label}: refused`, message: wordsOf(error), autoClose: 10_000 })
    },
  })
  return (
    <>
      <MayButton
        variant="default"
        size="xs"
        loading={isPending}
        {...look}
        needs={needs}
        unless={unless}
        onClick={() => {
          if (confirm !== undefined) asking.open()
          else mutate()
        }}
      >
        {label}
      </MayButton>
      {confirm !== undefined && (
        <Modal opened={isAsking} onClose={asking.close} title={confirm.title}>
          <Text size="sm">{confirm.text}</Text>
          <Group justify="flex-end" mt="lg" gap="xs">
            <Button variant="default" onClick={asking.close} data-autofocus>
              Cancel
            </Button>
            <Button color={look.color ?? 'iris'} loading={isPending} onClick={() => mutate()}>
              {confirm.button ?? label}
            </Button>
          </Group>
        </Modal>
      )}
    </>
  )
}
