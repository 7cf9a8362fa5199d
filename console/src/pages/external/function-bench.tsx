import { Alert, Group, Select } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { permea, wordsOf } from '../../api.ts'
import { functionCompletion } from '../../code/function-completion.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { useTried } from '../../forms/drafts.ts'
import { Json } from '../../parts/json.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { duration } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'
import { connectionChoices } from '../choices.ts'

interface BenchProps {
  /** The id of what the function is part of. */
  of: string
  slot: string
  code: string
  /** What it is tried with, to begin. */
  args: unknown
  onChange(code: string): void
  isFixed?: boolean
}

const EXAMPLES: Record<string, unknown> = {
  subscribe: { webhookUri: 'https://permea.example.com/webhooks/…', parameters: {} },
  handle: {
    data: { action: 'created', payload: { id: 1 } },
    headers: {},
    query: {},
    method: 'POST',
    parameters: {},
    state: {},
  },
  unsubscribe: { state: { webhookId: '1' }, parameters: {} },
  refresh: { state: { webhookId: '1' }, parameters: {} },
}
const ANSWERS = '[\n  { "method": "POST", "uri": "/webhooks", "status": 201, "body": { "id": "1" } }\n]'

/** A function in an editor that knows its arguments, with a bench to try it on before it is saved. */
export function FunctionBench({ of, slot, code, args, onChange }: BenchProps) {
  const complete = useMemo(() => functionCompletion(slot), [slot])
  const [given, setGiven] = useTried(`${of}/${slot}/arguments`, () =>
    JSON.stringify(args ?? EXAMPLES[slot] ?? {}, null, 2),
  )
  const [answers, setAnswers] = useTried(`${of}/${slot}/answers`, () => '')
  const [connectionId, setConnectionId] = useState<string | null>(null)
  const connections = useQuery({ queryKey: ['choices', 'connectionId'], queryFn: connectionChoices, staleTime: 30_000 })
  const trying = useMutation({
    mutationFn: async () =>
      permea.functions.test({
        body: {
          function: code,
          slot,
          args: parseExactJson(given) as Record<string, unknown>,
          ...(connectionId === null
            ? { answers: answers.trim() === '' ? [] : (parseExactJson(answers) as object[]) }
            : { connectionId }),
        },
      }),
  })
  const trial = trying.data
  return (
    <div className="bench">
      <CodeField
        label={`${slot}.js`}
        language="javascript"
        value={code}
        onChange={onChange}
        complete={complete}
        minHeight={260}
      />
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          trying.mutate()
        }}
      >
        <h3 className="section-title">Try it</h3>
        <CodeField label="Arguments" language="json" value={given} onChange={setGiven} minHeight={90} />
        <Select
          label="Requests go to"
          description="With a connection they are really sent; without, the answers below are given."
          placeholder="Nowhere: recorded answers"
          clearable
          searchable
          data={[...(connections.data ?? [])]}
          value={connectionId}
          onChange={setConnectionId}
        />
        {connectionId === null && slot !== 'handle' && (
          <CodeField
            label="Recorded answers"
            language="json"
            value={answers}
            onChange={setAnswers}
            placeholder={ANSWERS}
            minHeight={70}
          />
        )}
        <Group>
          <MayButton
            needs="functions.test"
            type="submit"
            variant="default"
            loading={trying.isPending}
            disabled={code.trim() === ''}
          >
            Try {slot}
          </MayButton>
        </Group>
        {trying.error !== null && (
          <Alert role="alert" color="red" variant="outline" styles={{ message: { color: 'var(--bad)' } }}>
            {wordsOf(trying.error)}
          </Alert>
        )}
        {trial !== undefined && (
          <div className="stack" role="status">
            <div>
              <Status of={trial.outcome === 'returned' ? 'success' : 'failed'} label={trial.outcome} />{' '}
              <span className="dim">
                {duration(trial.durationMs)}, {duration(trial.cpuMs)} of it computing
              </span>
            </div>
            {trial.error !== undefined && <p className="exchange-error">{trial.error.message}</p>}
            {trial.requests.map((request, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: in the order in which they were made
              <code key={at}>
                {request.method} {request.uri} {request.status ?? 'unanswered'}
              </code>
            ))}
            {trial.logs.map((line, at) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: in the order in which they were written
              <code key={at}>
                {line.level}: {line.message}
              </code>
            ))}
            {trial.value !== undefined && <Json value={trial.value} label="what it returned" title="Returned" />}
          </div>
        )}
      </form>
    </div>
  )
}
