import { Alert, Badge, Button, Group, Select, Skeleton, TextInput } from '@mantine/core'
import { ApiKeyScope } from '@permea/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { permea, refreshAll, wordsOf } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { HistoryLink } from '../../parts/history-link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'

const DAY_MS = 86_400_000
const LIVES = [
  { value: '30', label: '30 days' },
  { value: '365', label: 'a year' },
  { value: '', label: 'until it is ended' },
]

export function Page() {
  const { data, error, refetch } = useQuery({ queryKey: ['api-key', 'list'], queryFn: () => permea.apiKeys.list() })
  return (
    <div className="page">
      <PageHead title="API Keys" about="What programs of yours ask the API with, each with no more than it needs." />
      <div className="page-body narrow">
        {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
        <div className="stack">
          <NewKey />
          {data === undefined ? (
            error === null && <Skeleton height={120} />
          ) : (
            <Card title="Keys" aside={<HistoryLink of={{ elementType: 'api-key' }} />}>
              {data.items.length === 0 && <p className="dim flat">None yet.</p>}
              <ul className="plain-list" aria-label="Keys">
                {data.items.map(({ id, name, scope, prefix, expiresAt, lastUsedAt }) => (
                  <li key={id}>
                    <Group justify="space-between" gap="xs">
                      <div>
                        <strong>{name}</strong> <Badge variant="default">{scope}</Badge> <code>{prefix}…</code>
                        <div className="dim">
                          last used <Moment at={lastUsedAt} />, ends <Moment at={expiresAt} />{' '}
                          <HistoryLink of={{ actorId: id }} />
                        </div>
                      </div>
                      <Act
                        needs="apiKeys.archive"
                        label="End"
                        aria-label={`End ${name}`}
                        run={() => permea.apiKeys.archive({ params: { id } })}
                        said="The key is good no more"
                        confirm={{ title: `End ${name}?`, text: 'Whatever uses it is refused at once.' }}
                      />
                    </Group>
                  </li>
                ))}
              </ul>
            </Card>
          )}
        </div>
      </div>
    </div>
  )
}

function NewKey() {
  const [name, setName] = useState('')
  const [scope, setScope] = useState<ApiKeyScope>('developer')
  const [days, setDays] = useState('365')
  const making = useMutation({
    mutationFn: () => {
      const expiresAt = days === '' ? null : new Date(Date.now() + Number(days) * DAY_MS).toISOString()
      return permea.apiKeys.create({ body: { name, scope, expiresAt } })
    },
    onSuccess: refreshAll,
  })
  return (
    <Card title="Make a key">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          making.mutate()
        }}
      >
        <TextInput
          label="Name"
          description="What uses it, to know it by."
          required
          withAsterisk={false}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          error={making.error === null ? undefined : wordsOf(making.error)}
        />
        <Select
          label="May"
          data={ApiKeyScope.options.map((each) => ({ value: each, label: each }))}
          value={scope}
          onChange={(to) => setScope((to ?? 'developer') as ApiKeyScope)}
          allowDeselect={false}
          maw={220}
        />
        <Select
          label="Good for"
          data={LIVES}
          value={days}
          onChange={(to) => setDays(to ?? '')}
          allowDeselect={false}
          maw={220}
        />
        <div>
          <Button type="submit" loading={making.isPending}>
            Make it
          </Button>
        </div>
        {making.data !== undefined && (
          <Alert role="status" variant="outline" title="The key">
            <p>It is not kept anywhere: copy it now.</p>
            <Copyable text={making.data.key} what="key" />
          </Alert>
        )}
      </form>
    </Card>
  )
}
