import { Button, Group, Modal, Progress, Text, TextInput } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { useUpdates } from '../../live/live.ts'
import { Card } from '../../parts/facts.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Moment } from '../../parts/moment.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { Status } from '../../parts/status.tsx'

type Workspace = ItemOf<typeof permea.workspaces.list>
type Deletion = ItemOf<typeof permea.workspaceDeletions.list>

/** Deletes a workspace, once its key was typed: it cannot be undone. */
export function DeleteWorkspace({ workspace }: { workspace: Workspace }) {
  const [isOpen, asking] = useDisclosure(false)
  return (
    <>
      <MayButton
        needs="workspaceDeletions.begin"
        size="xs"
        variant="default"
        color="red"
        aria-label={`Delete ${workspace.name}`}
        onClick={asking.open}
      >
        Delete…
      </MayButton>
      <Modal
        opened={isOpen}
        onClose={asking.close}
        title={`Delete ${workspace.name}?`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <DeleteForm workspace={workspace} onBegun={asking.close} />
      </Modal>
    </>
  )
}

function DeleteForm({ workspace: { id, key }, onBegun }: { workspace: Workspace; onBegun(): void }) {
  const [typed, setTyped] = useState('')
  const deleting = useMutation({
    mutationFn: () => permea.workspaceDeletions.begin({ params: { id }, query: { confirm: typed } }),
    onSuccess() {
      refreshAll()
      onBegun()
    },
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        if (typed === key) deleting.mutate()
      }}
    >
      <div className="stack">
        <Text size="sm">
          It is shut at once: its tokens, keys and webhook addresses are refused. Its apps are told, then everything of
          it is deleted: customers, connections, flows, events, runs, messages, logs, its audit log, accounts that open
          no other workspace. Nobody can undo this.
        </Text>
        <TextInput
          label="Type the key of the workspace"
          description={key}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
          data-autofocus
        />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onBegun}>
            Cancel
          </Button>
          <Button type="submit" color="red" disabled={typed !== key} loading={deleting.isPending}>
            Delete for good
          </Button>
        </Group>
      </div>
    </form>
  )
}

/** What was deleted, and what is being. */
export function Deletions() {
  const { data, refetch } = useQuery({
    queryKey: ['workspace-deletion', 'list'],
    queryFn: () => permea.workspaceDeletions.list(),
  })
  useUpdates(['workspace-deletion'], () => void refetch())
  if (data === undefined || data.items.length === 0) return null
  return (
    <Card title="Deleted workspaces">
      <ul className="plain-list" aria-label="Deleted workspaces">
        {data.items.map((each) => (
          <DeletionEntry key={each.id} deletion={each} />
        ))}
      </ul>
    </Card>
  )
}

function DeletionEntry({ deletion }: { deletion: Deletion }) {
  const { workspaceKey, status, phase, progress, rows, startedAt } = deletion
  return (
    <li>
      <Group justify="space-between" gap="xs">
        <code>{workspaceKey}</code>
        <Status of={status} />
      </Group>
      <div className="dim">
        begun <Moment at={startedAt} />, {numberOf(rows, 'row')}
        {status === 'running' && (phase === 'stopping' ? ', its apps are told' : `, round ${progress.round}`)}
      </div>
      {status === 'running' && (
        <Progress.Root size="sm">
          <Progress.Section
            value={phase === 'stopping' ? 0 : Math.round((100 * progress.done) / Math.max(1, progress.of))}
            color="iris"
            aria-label={`${progress.done} of ${progress.of} places gone through`}
          />
        </Progress.Root>
      )}
    </li>
  )
}
