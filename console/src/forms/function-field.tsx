import { Button, Group, Input, Select } from '@mantine/core'
import { useMemo } from 'react'
import { functionCompletion } from '../code/function-completion.ts'
import { CodeField } from './code-field.tsx'
import { FUNCTION_STARTS, FUNCTION_TYPES, type FunctionText, type FunctionType } from './function-text.ts'

interface FunctionFieldProps {
  label: string
  description?: string | undefined
  error?: string | undefined
  required?: boolean
  disabled?: boolean
  /** What writing it as code begins with. */
  start: string
  /** Empty where there is none. */
  value: FunctionText | ''
  onChange(value: FunctionText | ''): void
}

const WRITTEN_AS = Object.entries(FUNCTION_TYPES).map(([value, label]) => ({ value, label }))

/** A function in the editor that is right for how it is written; its name is the last part of the label. */
export function FunctionField({ label, start, value, onChange, disabled = false, ...said }: FunctionFieldProps) {
  const complete = useMemo(() => functionCompletion(label), [label])
  if (value === '')
    return (
      <Input.Wrapper label={label} labelElement="div" {...said}>
        <div>
          <Button
            size="xs"
            variant="default"
            mt={4}
            disabled={disabled}
            onClick={() => onChange({ type: 'javascript', text: start, more: {} })}
          >
            Write {label}
          </Button>
        </div>
      </Input.Wrapper>
    )
  const writtenAs = (type: FunctionType) =>
    onChange({
      type,
      text: type === 'javascript' ? start : JSON.stringify(FUNCTION_STARTS[type], null, 2),
      more: {},
    })
  return (
    <div className="stack-tight">
      <CodeField
        {...said}
        label={label}
        language={value.type === 'javascript' ? 'javascript' : 'json'}
        value={value.text}
        onChange={(text) => onChange({ ...value, text })}
        complete={value.type === 'javascript' ? complete : undefined}
        minHeight={120}
      />
      <Group gap="xs">
        <Select
          size="xs"
          aria-label={`${label}: written as`}
          data={WRITTEN_AS}
          value={value.type}
          disabled={disabled}
          allowDeselect={false}
          onChange={(to) => to !== value.type && writtenAs(to as FunctionType)}
        />
        <Button size="xs" variant="subtle" color="gray" c="inherit" disabled={disabled} onClick={() => onChange('')}>
          Leave {label} out
        </Button>
      </Group>
    </div>
  )
}
