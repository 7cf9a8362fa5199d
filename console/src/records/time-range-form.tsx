import { Button, Group, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { showInUtc, useIsUtc } from '../parts/zone.ts'
import { fieldOf } from './time-field.ts'

interface TimeRangeFormProps {
  from: string | undefined
  to: string | undefined
  onShow(from: string | undefined, to: string | undefined): void
}

/** From one moment to another, in the zone that times are shown in. */
export default function TimeRangeForm({ from, to, onShow }: TimeRangeFormProps) {
  const isUtc = useIsUtc()
  const [begin, setBegin] = useState(from === undefined ? '' : fieldOf(from, isUtc))
  const [end, setEnd] = useState(to === undefined ? '' : fieldOf(to, isUtc))
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        onShow(momentOf(begin, isUtc), momentOf(end, isUtc))
      }}
    >
      <TextInput
        label="From"
        type="datetime-local"
        value={begin}
        data-autofocus
        onChange={(event) => setBegin(event.currentTarget.value)}
      />
      <TextInput label="To" type="datetime-local" value={end} onChange={(event) => setEnd(event.currentTarget.value)} />
      <Switch
        label="In UTC"
        checked={isUtc}
        onChange={(event) => {
          const utc = event.currentTarget.checked
          // What is in the fields stays the same moment.
          setBegin(begin === '' ? '' : fieldOf(momentOf(begin, isUtc) ?? '', utc))
          setEnd(end === '' ? '' : fieldOf(momentOf(end, isUtc) ?? '', utc))
          showInUtc(utc)
        }}
      />
      <Group justify="flex-end">
        <Button type="submit" size="xs" disabled={begin === '' && end === ''}>
          Show
        </Button>
      </Group>
    </form>
  )
}

/** What a field of a form has, `2026-11-29T21:00`, as a moment. */
function momentOf(field: string, isUtc: boolean): string | undefined {
  const date = new Date(isUtc ? `${field}Z` : field)
  return field === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
