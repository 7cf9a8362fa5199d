import { ActionIcon, Autocomplete, Button, Group, Input, SegmentedControl, Select, TextInput } from '@mantine/core'
import { IconPlus, IconTrash } from '@tabler/icons-react'
import { useId, useState } from 'react'
import { FormulaField } from '../forms/formula-field.tsx'
import { isSameJson } from '../forms/same.ts'
import type { FormScope } from '../forms/scope.ts'
import {
  type Condition,
  type ConditionRow,
  formulaOf,
  isAlone,
  OPERATORS,
  type OperatorName,
  rowsOf,
} from './condition.ts'

interface ConditionFieldProps {
  label: string
  description?: string | undefined
  error?: string | undefined
  path: string
  value: unknown
  onChange(value: unknown): void
  scope: FormScope
}

/** A condition as rows of field, comparison and value, with the formula that they are one click away. */
export function ConditionField({ label, description, error, path, value, onChange, scope }: ConditionFieldProps) {
  const id = useId()
  const fromValue = rowsOf(value)
  const [wish, setWish] = useState<'rows' | 'formula'>('rows')
  const view = fromValue === null ? 'formula' : wish
  // Rows as they are written: a text is not put into other words while somebody writes it.
  const [written, setWritten] = useState<Condition>(fromValue ?? NONE)
  const shown = isSameJson(formulaOf(written), value) ? written : (fromValue ?? NONE)
  const put = (to: Condition) => {
    setWritten(to)
    onChange(formulaOf(to))
  }
  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div" id={id}>
      <fieldset className="form-set conditions" aria-label={label}>
        <Group justify="space-between" gap="xs">
          {view === 'rows' && shown.rows.length > 1 ? (
            <SegmentedControl
              size="xs"
              aria-label={`${label}: how the rows go together`}
              value={shown.join}
              onChange={(to) => put({ ...shown, join: to === 'any' ? 'any' : 'all' })}
              data={[
                { value: 'all', label: 'All hold' },
                { value: 'any', label: 'Any holds' },
              ]}
            />
          ) : (
            <span className="dim">{view === 'rows' && shown.rows.length === 0 ? 'Always' : ''}</span>
          )}
          <Button
            size="compact-xs"
            variant="subtle"
            disabled={fromValue === null}
            title={fromValue === null ? 'This formula says more than rows can' : undefined}
            onClick={() => setWish(view === 'rows' ? 'formula' : 'rows')}
          >
            {view === 'rows' ? 'Show the formula' : 'Show as rows'}
          </Button>
        </Group>
        {view === 'formula' ? (
          <FormulaField label={`${label}: formula`} path={path} value={value} onChange={onChange} scope={scope} />
        ) : (
          <Rows label={label} condition={shown} put={put} scope={scope} />
        )}
      </fieldset>
    </Input.Wrapper>
  )
}

const NONE: Condition = { join: 'all', rows: [] }

interface RowsProps {
  label: string
  condition: Condition
  put(condition: Condition): void
  scope: FormScope
}

function Rows({ label, condition, put, scope }: RowsProps) {
  const { rows } = condition
  const setRow = (at: number, to: ConditionRow) =>
    put({ ...condition, rows: rows.map((row, index) => (index === at ? to : row)) })
  return (
    <>
      {rows.map((row, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a row is nothing but its place
        <Group key={at} gap={6} align="flex-start" wrap="wrap" className="condition-row">
          <PathField
            label={`${label}: field ${at + 1}`}
            value={row.field}
            scope={scope}
            onChange={(field) => setRow(at, { ...row, field })}
          />
          <Select
            aria-label={`${label}: comparison ${at + 1}`}
            size="xs"
            w={140}
            data={Object.entries(OPERATORS).map(([value, words]) => ({ value, label: words }))}
            value={row.operator}
            allowDeselect={false}
            onChange={(to) => setRow(at, { ...row, operator: (to ?? 'is') as OperatorName })}
          />
          {!isAlone(row.operator) && (
            <TextInput
              aria-label={`${label}: value ${at + 1}`}
              size="xs"
              className="grows"
              placeholder={row.operator === 'oneOf' || row.operator === 'noneOf' ? 'one, two, three' : undefined}
              value={row.value}
              onChange={(event) => setRow(at, { ...row, value: event.currentTarget.value })}
            />
          )}
          <ActionIcon
            variant="default"
            aria-label={`${label}: take row ${at + 1} out`}
            onClick={() => put({ ...condition, rows: rows.filter((_, index) => index !== at) })}
          >
            <IconTrash size={14} />
          </ActionIcon>
        </Group>
      ))}
      <div>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconPlus size={14} />}
          onClick={() => put({ ...condition, rows: [...rows, { field: '', operator: 'is', value: '' }] })}
        >
          Add a condition
        </Button>
      </div>
    </>
  )
}

/** A path, offered with what stood there in the last event. */
function PathField({
  label,
  value,
  scope,
  onChange,
}: {
  label: string
  value: string
  scope: FormScope
  onChange(path: string): void
}) {
  return (
    <Autocomplete
      aria-label={label}
      size="xs"
      className="grows"
      placeholder="Choose a field"
      data={[...scope.paths]}
      limit={40}
      maxDropdownHeight={300}
      value={value}
      onChange={onChange}
      renderOption={({ option }) => (
        <span className="path-option">
          <code>{option.value}</code>
          {scope.samples.has(option.value) && <span className="dim">{scope.samples.get(option.value)}</span>}
        </span>
      )}
    />
  )
}
