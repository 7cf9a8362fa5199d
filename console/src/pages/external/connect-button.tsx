import { Anchor, Button, Group, Modal, Select, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { IconExternalLink, IconPlugConnected } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { permea, refreshAll, wordsOf } from '../../api.ts'
import { Copy } from '../../parts/copy.tsx'
import { IdLink } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Status } from '../../parts/status.tsx'
import { customerChoices, integrationChoices } from '../choices.ts'

interface ConnectButtonProps {
  integration?: { id: string; name: string; archivedAt?: string | undefined }
  /** The one to be renewed. */
  connection?: { id: string; userId: string }
  label?: string
}

const LOOK_EVERY_MS = 1500

/** Has a customer's account connected: asks for the connect page, opens it, and follows what comes of it. */
export function ConnectButton({ integration, connection, label = 'Connect an account' }: ConnectButtonProps) {
  const [isOpen, asking] = useDisclosure(false)
  return (
    <>
      <MayButton
        needs="connectionRequests.create"
        size="xs"
        leftSection={<IconPlugConnected size={14} />}
        onClick={asking.open}
        disabled={integration?.archivedAt !== undefined}
      >
        {label}
      </MayButton>
      <Modal opened={isOpen} onClose={asking.close} title={label}>
        <Asking {...(integration && { integration })} {...(connection && { connection })} />
      </Modal>
    </>
  )
}

function Asking({ integration, connection }: ConnectButtonProps) {
  const [userId, setUserId] = useState<string | null>(connection?.userId ?? null)
  const [integrationId, setIntegrationId] = useState<string | null>(integration?.id ?? null)
  const customers = useQuery({ queryKey: ['choices', 'userId'], queryFn: customerChoices })
  const integrations = useQuery({ queryKey: ['choices', 'integrationId'], queryFn: integrationChoices })
  const starting = useMutation({
    mutationFn: () =>
      permea.connectionRequests.create({
        body: {
          userId: userId ?? '',
          ...(connection === undefined ? { integrationId: integrationId ?? '' } : { connectionId: connection.id }),
        },
      }),
    onSuccess: ({ url }) => void window.open(url, '_blank', 'noopener'),
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  if (starting.data !== undefined) return <Progress requestId={starting.data.requestId} url={starting.data.url} />
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        starting.mutate()
      }}
    >
      {connection === undefined && (
        <>
          <Select label="Customer" searchable data={[...(customers.data ?? [])]} value={userId} onChange={setUserId} />
          {integration === undefined && (
            <Select
              label="Integration"
              searchable
              data={[...(integrations.data ?? [])]}
              value={integrationId}
              onChange={setIntegrationId}
            />
          )}
        </>
      )}
      <Text size="sm" c="dimmed">
        Opens the page on which a person connects the account. It can also be sent to them; it is good for a day.
      </Text>
      <Group justify="flex-end">
        <Button
          type="submit"
          loading={starting.isPending}
          disabled={connection === undefined && (userId === null || integrationId === null)}
        >
          Open the connect page
        </Button>
      </Group>
    </form>
  )
}

function Progress({ requestId, url }: { requestId: string; url: string }) {
  const { data } = useQuery({
    queryKey: ['connection-request', requestId],
    queryFn: () => permea.connectionRequests.get({ params: { requestId } }),
    // Meanwhile another page is in front.
    refetchIntervalInBackground: true,
    refetchInterval: (query) =>
      query.state.data === undefined || query.state.data.status === 'pending' ? LOOK_EVERY_MS : false,
  })
  const isDone = data?.status === 'success'
  useEffect(() => {
    if (isDone) refreshAll()
  }, [isDone])
  return (
    <div className="stack" role="status">
      <Status
        of={data?.status === 'success' ? 'connected' : (data?.status ?? 'pending')}
        {...(data?.status === 'pending' && { label: 'waits for the person' })}
      />
      {data?.resultError !== undefined && <p className="exchange-error">{data.resultError.message}</p>}
      {data?.resultConnectionId !== undefined ? (
        <IdLink id={data.resultConnectionId}>See the connection</IdLink>
      ) : (
        <span>
          <Anchor href={url} target="_blank" rel="noopener">
            Open the connect page again <IconExternalLink size={13} aria-hidden />
          </Anchor>{' '}
          <Copy text={url} what="address of the connect page" />
        </span>
      )}
    </div>
  )
}
