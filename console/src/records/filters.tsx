import { CloseButton, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import type { Permission } from '@permea/contract'
import { IconSearch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { refusalOfPermission } from '../session/may.ts'
import { TimeRange } from './time-range.tsx'
import { type Choice, useUrlState } from './url-state.ts'

/** A filter of a list; its value stands in the URL under its name. */
export type Filter =
  /** Where what is looked through is not for every role, `needs` says what it takes. */
  | { kind: 'search'; name: string; label: string; needs?: Permission }
  | { kind: 'choice'; name: string; label: string; choices: readonly Choice[] }
  | { kind: 'lookup'; name: string; label: string; lookUp(): Promise<readonly Choice[]> }
  | { kind: 'since'; name: string; label: string }
  /** Has no control of its own: set by links, shown as something that can be taken away. */
  | { kind: 'link'; name: string; label: string }

const SEARCH_AFTER_MS = 300

/** The filter that elements which can be archived have. */
export const ARCHIVED: Filter = {
  kind: 'choice',
  name: 'includeArchived',
  label: 'Archived',
  choices: [{ value: 'true', label: 'With archived' }],
}
export function Filters({ filters }: { filters: readonly Filter[] }) {
  if (filters.length === 0) return null
  return (
    <search className="filters" aria-label="Filters">
      {filters.filter(isForMe).map((filter) => (
        <One key={filter.name} filter={filter} />
      ))}
    </search>
  )
}

const isForMe = (filter: Filter) =>
  filter.kind !== 'search' || filter.needs === undefined || refusalOfPermission(filter.needs) === null

function One({ filter }: { filter: Filter }) {
  const { search, change } = useUrlState()
  const value = search[filter.name]
  const set = (to: string | null) => change({ [filter.name]: to === null || to === '' ? undefined : to })
  switch (filter.kind) {
    case 'search':
      return <SearchFilter label={filter.label} value={value ?? ''} onChange={set} />
    case 'choice':
      return <ChoiceFilter label={filter.label} choices={filter.choices} value={value} onChange={set} />
    case 'since':
      return <TimeRange name={filter.name} label={filter.label} />
    case 'lookup':
      return <LookupFilter filter={filter} value={value} onChange={set} />
    case 'link':
      return value === undefined ? null : <LinkFilter label={filter.label} value={value} onClear={() => set(null)} />
  }
}

function SearchFilter(props: { label: string; value: string; onChange(to: string): void }) {
  const [text, setText] = useState(props.value)
  const sent = useRef(props.value)
  const settle = useDebouncedCallback((to: string) => {
    sent.current = to
    props.onChange(to)
  }, SEARCH_AFTER_MS)
  useEffect(() => {
    // What a link set, not what was typed here and comes back by the URL while more is being typed.
    if (props.value === sent.current) return
    sent.current = props.value
    setText(props.value)
  }, [props.value])
  return (
    <TextInput
      aria-label={props.label}
      placeholder={props.label}
      size="xs"
      w={230}
      leftSection={<IconSearch size={14} />}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value)
        settle(event.currentTarget.value)
      }}
    />
  )
}

interface ChoiceFilterProps {
  label: string
  choices: readonly Choice[]
  value: string | undefined
  onChange(to: string | null): void
}

function ChoiceFilter({ label, choices, value, onChange }: ChoiceFilterProps) {
  return (
    <Select
      aria-label={label}
      placeholder={label}
      size="xs"
      w={Math.max(130, label.length * 8 + 50)}
      clearable
      searchable={choices.length > 8}
      data={[...choices]}
      value={value ?? null}
      onChange={onChange}
    />
  )
}

function LookupFilter(props: {
  filter: Extract<Filter, { kind: 'lookup' }>
  value: string | undefined
  onChange(to: string | null): void
}) {
  const { filter, value } = props
  const { data = [] } = useQuery({ queryKey: ['choices', filter.name], queryFn: filter.lookUp, staleTime: 30_000 })
  const isKnown = value === undefined || data.some((each) => each.value === value)
  const choices = isKnown ? data : [{ value, label: value }, ...data]
  return <ChoiceFilter label={filter.label} choices={choices} value={value} onChange={props.onChange} />
}

function LinkFilter({ label, value, onClear }: { label: string; value: string; onClear(): void }) {
  return (
    <span className="chip">
      {label}: <code>{value}</code>
      <CloseButton size="xs" aria-label={`Do not filter by ${label}`} onClick={onClear} />
    </span>
  )
}
