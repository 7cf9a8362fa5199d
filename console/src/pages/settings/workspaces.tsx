import { Alert, Badge, Button, Group, Select, Skeleton, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { freshToken, permea, refreshAll, session, wordsOf } from '../../api.ts'
import { pagesOf } from '../../base.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'
import { DeleteWorkspace, Deletions } from './delete-workspace.tsx'
import { QuotaForm, Usage } from './quotas.tsx'

type Listed = Awaited<ReturnType<typeof permea.workspaces.list>>['items'][number]

/** The workspaces of the installation, for who owns it. */
export function Page() {
  const { data, error, refetch } = useQuery({
    queryKey: ['workspace', 'list'],
    queryFn: () => permea.workspaces.list(),
  })
  return (
    <div className="page">
      <PageHead
        title="Workspaces"
        about="Each has its own customers, definitions, events, people and keys; nothing of one is seen in another."
      />
      <div className="page-body narrow">
        {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
        <div className="stack">
          <NewWorkspace />
          {data === undefined ? (
            error === null && <Skeleton height={120} />
          ) : (
            <Card title="Workspaces of this installation">
              <ul className="plain-list" aria-label="Workspaces">
                {data.items.map((each) => (
                  <Entry key={each.id} workspace={each} />
                ))}
              </ul>
            </Card>
          )}
          <Deletions />
        </div>
      </div>
    </div>
  )
}

function Entry({ workspace }: { workspace: Listed }) {
  const { id, key, name, type, isMain, createdAt } = workspace
  const [secret, setSecret] = useState<string | null>(null)
  const [isBounding, setIsBounding] = useState(false)
  const isOpenToMe = session().workspaces.some((each) => each.key === key)
  return (
    <li>
      <Group justify="space-between" gap="xs">
        <div>
          <strong>{isOpenToMe ? <a href={`${pagesOf(key)}/`}>{name}</a> : name}</strong>{' '}
          <Badge variant="default">{isMain ? 'main' : type}</Badge> <code>{key}</code>
          <div className="dim">
            made <Moment at={createdAt} />
            {!isOpenToMe && '; an owner of it invites people'}
          </div>
        </div>
        <Group gap="xs">
          <Button
            variant="default"
            size="xs"
            aria-expanded={isBounding}
            aria-label={`Quotas of ${name}`}
            onClick={() => setIsBounding(!isBounding)}
          >
            Quotas
          </Button>
          {!isMain && (
            <Act
              needs="workspaces.rotateSecret"
              label="New secret"
              aria-label={`New secret for ${name}`}
              run={() => permea.workspaces.rotateSecret({ params: { id } })}
              onDone={(made) => setSecret(made.secret)}
              confirm={{
                title: `A new secret for ${name}?`,
                text: 'The secret in use, and every token signed with it, is good no more at once.',
                button: 'Draw it',
              }}
            />
          )}
          {!isMain && <DeleteWorkspace workspace={workspace} />}
        </Group>
      </Group>
      {isBounding && (
        <>
          <Usage id={id} />
          <QuotaForm id={id} name={name} />
        </>
      )}
      {secret !== null && (
        <Alert role="status" variant="outline" title={`The new secret of ${name}`}>
          <p>It is shown here only: copy it now.</p>
          <Copyable text={secret} what="secret" />
        </Alert>
      )}
    </li>
  )
}

function NewWorkspace() {
  const [name, setName] = useState('')
  const [key, setKey] = useState('')
  const [type, setType] = useState<'production' | 'development'>('production')
  const making = useMutation({
    mutationFn: () =>
      permea.workspaces.create({ body: { name, type, ...(key.trim() === '' ? {} : { key: key.trim() }) } }),
    async onSuccess() {
      setName('')
      setKey('')
      // The session has one more.
      await freshToken()
      refreshAll()
    },
  })
  return (
    <Card title="Make a workspace">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          making.mutate()
        }}
      >
        <TextInput
          label="Name"
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={making.error === null ? undefined : wordsOf(making.error)}
        />
        <TextInput
          label="Key"
          description="What tokens name; it stays what it is. Empty: one is drawn."
          value={key}
          onChange={(event) => setKey(event.currentTarget.value)}
        />
        <Select
          label="Type"
          data={[
            { value: 'production', label: 'Production' },
            { value: 'development', label: 'Development' },
          ]}
          value={type}
          onChange={(to) => setType(to === 'development' ? to : 'production')}
          allowDeselect={false}
          maw={220}
        />
        <div>
          <Button type="submit" loading={making.isPending}>
            Make it
          </Button>
        </div>
        {making.data !== undefined && (
          <Alert role="status" variant="outline" title={`${making.data.name} is there`}>
            <p>What tokens of your application need. The secret is shown here only: copy it now.</p>
            <Copyable text={making.data.key} what="key" />
            <Copyable text={making.data.secret} what="secret" />
            <p>
              <a href={`${pagesOf(making.data.key)}/`}>Open {making.data.name}</a>
            </p>
          </Alert>
        )}
      </form>
    </Card>
  )
}
