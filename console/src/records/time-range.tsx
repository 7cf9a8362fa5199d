import { Button, Group, Popover, Select, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import { showInUtc, useIsUtc } from '../parts/zone.ts'
import { SINCE, useUrlState } from './url-state.ts'

const CUSTOM = 'custom'
const isMoment = (value: string | undefined) => value !== undefined && /^\d{4}-/.test(value)

/** A stretch of time that a list is of: one that ends now, or from one moment to another. It stands in the URL. */
export function TimeRange({ name, label }: { name: string; label: string }) {
  const { search, change } = useUrlState()
  const isUtc = useIsUtc()
  const from = search[name]
  const to = search.to
  const isCustom = isMoment(from) || isMoment(to)
  const [isOpen, setIsOpen] = useState(false)
  const [begin, setBegin] = useState('')
  const [end, setEnd] = useState('')
  const open = () => {
    setBegin(isMoment(from) ? fieldOf(from ?? '', isUtc) : '')
    setEnd(isMoment(to) ? fieldOf(to ?? '', isUtc) : '')
    setIsOpen(true)
  }
  const words = isCustom ? `${spoken(from, isUtc) || '…'} – ${spoken(to, isUtc) || 'now'}` : 'From … to …'
  return (
    <Popover opened={isOpen} onChange={setIsOpen} position="bottom-start" trapFocus returnFocus withinPortal>
      <Popover.Target>
        <Select
          aria-label={label}
          placeholder={label}
          size="xs"
          w={isCustom ? 290 : 160}
          clearable
          data={[...SINCE, { value: CUSTOM, label: words }]}
          value={isCustom ? CUSTOM : (from ?? null)}
          onChange={(value) => {
            if (value !== CUSTOM) change({ [name]: value ?? undefined, to: undefined })
          }}
          onOptionSubmit={(value) => {
            if (value === CUSTOM) open()
          }}
        />
      </Popover.Target>
      <Popover.Dropdown>
        <form
          className="stack"
          onSubmit={(event) => {
            event.preventDefault()
            change({ [name]: momentOf(begin, isUtc), to: momentOf(end, isUtc) })
            setIsOpen(false)
          }}
        >
          <TextInput
            label="From"
            type="datetime-local"
            value={begin}
            onChange={(event) => setBegin(event.currentTarget.value)}
          />
          <TextInput
            label="To"
            type="datetime-local"
            value={end}
            onChange={(event) => setEnd(event.currentTarget.value)}
          />
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
      </Popover.Dropdown>
    </Popover>
  )
}

/** What a field of a form has, `2026-11-29T21:00`, as a moment. */
function momentOf(field: string, isUtc: boolean): string | undefined {
  const date = new Date(isUtc ? `${field}Z` : field)
  return field === '' || Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

function fieldOf(moment: string, isUtc: boolean): string {
  const date = new Date(moment)
  if (Number.isNaN(date.getTime())) return ''
  const shifted = new Date(date.getTime() - (isUtc ? 0 : date.getTimezoneOffset() * 60_000))
  return shifted.toISOString().slice(0, 16)
}

function spoken(moment: string | undefined, isUtc: boolean): string {
  return moment === undefined || !isMoment(moment)
    ? ''
    : `${fieldOf(moment, isUtc).replace('T', ' ')}${isUtc ? 'Z' : ''}`
}
