import { Button, Group, Modal, Text } from '@mantine/core'
import { useBlocker } from '@tanstack/react-router'
import { hasUnsaved, leaveUnsaved } from './drafts.ts'

/** Asks before a page with unsaved work is left, by whatever way. */
export function UnsavedGuard() {
  const way = useBlocker({
    shouldBlockFn: ({ current, next }) => current.pathname !== next.pathname && hasUnsaved(),
    enableBeforeUnload: hasUnsaved,
    withResolver: true,
  })
  const leave = (what: 'kept' | 'discarded') => {
    leaveUnsaved(what)
    way.proceed?.()
  }
  return (
    <Modal
      opened={way.status === 'blocked'}
      onClose={() => way.reset?.()}
      title="Leave without saving?"
      zIndex={500}
      closeOnEscape
    >
      <Text size="sm">
        What you changed is not saved. Kept as a draft, it is there when you come back to this form in this browser.
      </Text>
      <Group justify="flex-end" mt="lg" gap="xs">
        <Button variant="subtle" color="red" onClick={() => leave('discarded')}>
          Throw it away
        </Button>
        <Button variant="default" onClick={() => leave('kept')}>
          Leave, keep the draft
        </Button>
        <Button onClick={() => way.reset?.()} data-autofocus>
          Stay
        </Button>
      </Group>
    </Modal>
  )
}
