import { Button, Checkbox, Group, Modal, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { MayButton } from '../../parts/may-button.tsx'

type Customer = ItemOf<typeof permea.customers.list>

/** Erases a customer, once its id was typed: it cannot be undone. */
export function EraseButton({ customer }: { customer: Customer }) {
  const [isOpen, asking] = useDisclosure(false)
  return (
    <>
      <MayButton needs="erasures.begin" size="xs" variant="default" color="red" onClick={asking.open}>
        Erase…
      </MayButton>
      <Modal opened={isOpen} onClose={asking.close} title={`Erase ${customer.name}?`}>
        <EraseForm customer={customer} onBegun={asking.close} />
      </Modal>
    </>
  )
}

function EraseForm({ customer, onBegun }: { customer: Customer; onBegun(): void }) {
  const navigate = useNavigate()
  const [typed, setTyped] = useState('')
  const [keepCustomer, setKeepCustomer] = useState(false)
  const isMeant = typed === customer.internalId
  const erasing = useMutation({
    mutationFn: () => permea.erasures.begin({ params: { selector: customer.id }, body: { keepCustomer } }),
    onSuccess(erasure) {
      refreshAll()
      onBegun()
      void navigate({ to: `/erasures/${erasure.id}`, search: {} })
    },
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (isMeant) erasing.mutate()
      }}
    >
      <div className="stack">
        <Text size="sm">
          {keepCustomer
            ? 'Its events, runs, messages and logs until now are deleted, and what is under way is stopped. What it has stays.'
            : 'Everything of it is deleted: events, runs, messages, logs, connections with their credentials, flows. Its tokens and webhook addresses are refused from now on.'}{' '}
          Nobody can undo this.
        </Text>
        <Checkbox
          label="Only what happened; keep the customer and what it has"
          checked={keepCustomer}
          onChange={(event) => setKeepCustomer(event.currentTarget.checked)}
        />
        <TextInput
          label="Type your id of the customer"
          description={customer.internalId}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onBegun}>
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={!isMeant} loading={erasing.isPending}>
            Erase for good
          </Button>
        </Group>
      </div>
    </form>
  )
}
