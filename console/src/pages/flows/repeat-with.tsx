import { Button, Group, Modal } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { parseExactJson } from '@permea/contract'
import { useMutation } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { type AnswerOf, permea, refreshAll, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { MayButton } from '../../parts/may-button.tsx'

type Run = AnswerOf<typeof permea.flowRuns.get>

/** A new run of the same flow with what the person makes of the input. */
export function RepeatWith({ run }: { run: Run }) {
  const [isOpen, { open, close }] = useDisclosure(false)
  return (
    <>
      <MayButton needs="flowRuns.create" size="xs" variant="default" onClick={open}>
        Repeat with other input
      </MayButton>
      <Modal opened={isOpen} onClose={close} title="Repeat with other input" size="lg">
        <Form run={run} close={close} />
      </Modal>
    </>
  )
}

function Form({ run, close }: { run: Run; close(): void }) {
  const navigate = useNavigate()
  const [text, setText] = useState(() => JSON.stringify(run.input ?? null, null, 2))
  const { mutate, isPending, error } = useMutation({
    async mutationFn() {
      const { flowInstanceId, startNodeKey } = run
      return permea.flowRuns.create({
        body: { flowInstanceId, startNodeKey, input: parseExactJson(text), meta: { repeatOf: run.id } },
      })
    },
    onSuccess(made) {
      close()
      refreshAll()
      void navigate({ to: `/flow-runs/${made.id}`, search: true })
    },
  })
  const problem = problemOf(text)
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        if (problem === undefined) mutate()
      }}
    >
      <CodeField
        label="Input"
        description="What the run is launched with. The flow runs as it is now."
        language="json"
        minHeight={200}
        value={text}
        onChange={setText}
        error={problem ?? (error === null ? undefined : wordsOf(error))}
      />
      <Group justify="flex-end">
        <Button type="submit" loading={isPending} disabled={problem !== undefined}>
          Run
        </Button>
      </Group>
    </form>
  )
}

function problemOf(text: string): string | undefined {
  try {
    parseExactJson(text)
    return undefined
  } catch (error) {
    return `Not valid JSON yet: ${(error as Error).message}`
  }
}
