import { Button, Group, Modal, NumberInput, Select, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { IconRotateClockwise } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { permea, refreshAll, wordsOf } from '../../api.ts'
import { MayButton } from '../../parts/may-button.tsx'
import { momentOfSince, SINCE, useUrlState } from '../../records/url-state.ts'
import { destinationChoices } from '../choices.ts'

const STATES = [
  { value: 'exhausted', label: 'failed for good' },
  { value: 'cancelled', label: 'were cancelled' },
  { value: 'succeeded', label: 'succeeded' },
]
type State = 'exhausted' | 'cancelled' | 'succeeded'

/** Sends many deliveries again, in the background and at a rate. */
export function ReplayButton() {
  const [isOpen, asking] = useDisclosure(false)
  return (
    <>
      <MayButton
        needs="replays.create"
        variant="default"
        leftSection={<IconRotateClockwise size={16} />}
        onClick={asking.open}
      >
        Send many again
      </MayButton>
      <Modal opened={isOpen} onClose={asking.close} title="Send many deliveries again">
        <ReplayForm onStarted={asking.close} />
      </Modal>
    </>
  )
}

function ReplayForm({ onStarted }: { onStarted(): void }) {
  const { search } = useUrlState()
  const navigate = useNavigate()
  const [state, setState] = useState<State>('exhausted')
  const [since, setSince] = useState('24h')
  const [destinationId, setDestinationId] = useState<string | null>(search.destinationId ?? null)
  const [ratePerSecond, setRatePerSecond] = useState<number | string>(10)
  const destinations = useQuery({ queryKey: ['choices', 'destinationId'], queryFn: destinationChoices })
  const starting = useMutation({
    mutationFn: () =>
      permea.replays.create({
        body: {
          state,
          from: momentOfSince(since),
          ratePerSecond: Number(ratePerSecond),
          ...(destinationId === null ? {} : { destinationId }),
        },
      }),
    onSuccess(replay) {
      refreshAll()
      onStarted()
      void navigate({ to: `/replays/${replay.id}`, search: {} })
    },
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        starting.mutate()
      }}
    >
      <Select
        label="Those that"
        data={STATES}
        value={state}
        onChange={(to) => setState((to ?? 'exhausted') as State)}
        allowDeselect={false}
      />
      <Select
        label="Made in the"
        data={[...SINCE]}
        value={since}
        onChange={(to) => setSince(to ?? '24h')}
        allowDeselect={false}
      />
      <Select
        label="To"
        placeholder="Every destination"
        data={[...(destinations.data ?? [])]}
        value={destinationId}
        onChange={setDestinationId}
        clearable
      />
      <NumberInput label="At most, per second" min={0.1} max={1000} value={ratePerSecond} onChange={setRatePerSecond} />
      <Text size="sm" c="dimmed">
        Each is sent with the address and secret that its destination has now. It can be stopped at any time.
      </Text>
      <Group justify="flex-end">
        <Button type="submit" loading={starting.isPending}>
          Begin
        </Button>
      </Group>
    </form>
  )
}
