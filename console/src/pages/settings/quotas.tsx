import { Group, NumberInput, Progress, Skeleton } from '@mantine/core'
import type { QuotaName } from '@permea/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { permea, wordsOf } from '../../api.ts'
import { Failure } from '../../parts/failure.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { QUOTA_WORDS } from '../../parts/quota-words.ts'

const WARNS_PERCENT = 80

function useUsage(id: string) {
  return useQuery({
    queryKey: ['workspace', 'usage', id],
    queryFn: () => permea.workspaces.usage({ params: { id } }),
  })
}

/** What a workspace uses, and how much of what it may. */
export function Usage({ id }: { id: string }) {
  const { data, error, refetch } = useUsage(id)
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={120} />
  return (
    <ul className="plain-list" aria-label="Usage">
      {data.items
        .filter(({ used, limit }) => used !== undefined || limit !== undefined)
        .map(({ quota, used, limit }) => {
          const percent = used === undefined || limit === undefined ? null : limit === 0 ? 100 : (used / limit) * 100
          return (
            <li key={quota}>
              <Group justify="space-between" gap="xs">
                <span>{QUOTA_WORDS[quota]}</span>
                <span>
                  {used?.toLocaleString('en')}
                  {limit === undefined ? '' : ` of ${limit.toLocaleString('en')}`}
                </span>
              </Group>
              {percent !== null && (
                <Progress
                  value={Math.min(100, percent)}
                  color={percent >= WARNS_PERCENT ? 'red' : 'blue'}
                  aria-label={`${QUOTA_WORDS[quota]}: ${Math.floor(percent)} %`}
                />
              )}
            </li>
          )
        })}
    </ul>
  )
}

/** Bounds a workspace; an empty field bounds nothing. */
export function QuotaForm({ id, name }: { id: string; name: string }) {
  const { data } = useUsage(id)
  if (data === undefined) return <Skeleton height={200} />
  return <Fields id={id} name={name} items={data.items} />
}

function Fields({
  id,
  name,
  items,
}: {
  id: string
  name: string
  items: { quota: QuotaName; limit?: number | undefined }[]
}) {
  const [typed, setTyped] = useState<Partial<Record<QuotaName, string | number>>>({})
  const { refetch } = useUsage(id)
  const saving = useMutation({
    mutationFn: () =>
      permea.workspaces.setQuotas({
        params: { id },
        body: Object.fromEntries(
          Object.entries(typed).map(([quota, value]) => [quota, value === '' ? null : Number(value)]),
        ),
      }),
    async onSuccess() {
      await refetch()
      setTyped({})
    },
  })
  return (
    <form
      className="stack"
      aria-label={`Quotas of ${name}`}
      onSubmit={(event) => {
        event.preventDefault()
        saving.mutate()
      }}
    >
      <p className="dim flat">An empty field bounds nothing.</p>
      {items.map(({ quota, limit }) => (
        <NumberInput
          key={quota}
          label={QUOTA_WORDS[quota]}
          value={typed[quota] ?? limit ?? ''}
          onChange={(to) => setTyped((before) => ({ ...before, [quota]: to }))}
          min={0}
          max={1e15}
          allowDecimal={false}
          thousandSeparator=","
          hideControls
          maw={260}
        />
      ))}
      <div>
        <MayButton needs="workspaces.setQuotas" type="submit" loading={saving.isPending}>
          Save quotas
        </MayButton>{' '}
        {saving.isSuccess && Object.keys(typed).length === 0 && <span role="status">Saved</span>}
      </div>
      {saving.error !== null && <p role="alert">{wordsOf(saving.error)}</p>}
    </form>
  )
}
