import {
  ActionIcon,
  Button,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  Switch,
  TextInput,
  Tooltip,
} from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { permea } from '../../api.ts'
import type { OwnField, Values } from '../../forms/fields.ts'
import type { FormSchema } from '../../forms/schema-form.tsx'

/** What the connector needs once from an integration, whatever the way to connect: a field for each. */
export function SharedParameters({ value, values, error, isReadOnly, onChange }: OwnField) {
  const connector = useConnector(String(values.connectorId ?? ''))
  const schema = (connector?.parametersSchema ?? {}) as FormSchema
  return (
    <fieldset className="form-set">
      <legend>What the connector needs</legend>
      {error !== undefined && <p className="exchange-error">{error}</p>}
      {connector === undefined && <p className="dim flat">Choose a connector first.</p>}
      <Parameters
        of="integration"
        schema={schema}
        value={recordOf(value)}
        isReadOnly={isReadOnly}
        onChange={(to) => onChange(Object.keys(to).length === 0 ? '' : to)}
      />
    </fieldset>
  )
}

type WayConfig = { disabled?: boolean; parameters?: Values }

/** Each way to connect that the connector has: whether it is offered, and what it needs from the integration. */
export function WaysOffered({ value, values, error, isReadOnly, onChange }: OwnField) {
  const connector = useConnector(String(values.connectorId ?? ''))
  const given = recordOf(value) as Record<string, WayConfig>
  const change = (key: string, to: WayConfig) => {
    const { [key]: _, ...others } = given
    const next = Object.keys(to).length === 0 ? others : { ...others, [key]: to }
    onChange(Object.keys(next).length === 0 ? '' : next)
  }
  return Object.entries(connector?.options ?? {}).map(([key, way]) => {
    const { disabled = false, parameters, ...more } = given[key] ?? {}
    const schema = (way.connectorParametersSchema ?? {}) as FormSchema
    return (
      <fieldset key={key} className="form-set">
        <legend>{way.title ?? key}</legend>
        {error !== undefined && <p className="exchange-error">{error}</p>}
        <Switch
          label={`Offer “${way.title ?? key}”`}
          checked={!disabled}
          disabled={isReadOnly}
          onChange={(event) =>
            change(key, {
              ...more,
              ...(event.currentTarget.checked ? {} : { disabled: true }),
              ...(parameters === undefined ? {} : { parameters }),
            })
          }
        />
        {!disabled && (
          <Parameters
            of={way.title ?? key}
            schema={schema}
            value={parameters ?? {}}
            isReadOnly={isReadOnly}
            onChange={(to) => change(key, { ...more, ...(Object.keys(to).length === 0 ? {} : { parameters: to }) })}
          />
        )}
      </fieldset>
    )
  })
}

interface ParametersProps {
  /** Whose they are. */
  of: string
  schema: FormSchema
  value: Values
  isReadOnly: boolean
  onChange(value: Values): void
}

function Parameters({ of, schema, value, isReadOnly, onChange }: ParametersProps) {
  const [adding, setAdding] = useState('')
  const known = Object.entries(schema.properties ?? {})
  const others = Object.keys(value).filter((name) => schema.properties?.[name] === undefined)
  const set = (name: string, to: unknown) => {
    const { [name]: _, ...rest } = value
    onChange(to === undefined ? rest : { ...value, [name]: to })
  }
  const name = adding.trim()
  const add = () => {
    if (name === '' || Object.hasOwn(value, name)) return
    set(name, '')
    setAdding('')
  }
  return (
    <>
      {known.map(([each, field]) => (
        <Parameter
          key={each}
          name={each}
          schema={field}
          isRequired={schema.required?.includes(each) ?? false}
          isReadOnly={isReadOnly}
          value={value[each]}
          onChange={(to) => set(each, to)}
        />
      ))}
      {others.map((each) => (
        <Group key={each} gap="xs" align="end" wrap="nowrap">
          <div className="grows">
            <Parameter
              name={each}
              schema={{}}
              isRequired={false}
              isReadOnly={isReadOnly}
              isKept
              value={value[each]}
              onChange={(to) => set(each, to)}
            />
          </div>
          <Tooltip label={`Take ${each} away`}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              disabled={isReadOnly}
              aria-label={`Take ${each} away`}
              onClick={() => set(each, undefined)}
            >
              <IconTrash size={16} />
            </ActionIcon>
          </Tooltip>
        </Group>
      ))}
      <Group gap="xs" align="end">
        <TextInput
          label={`Another parameter of ${of}`}
          placeholder="name"
          value={adding}
          disabled={isReadOnly}
          onChange={(event) => setAdding(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return
            // It adds; it does not save the form around it.
            event.preventDefault()
            add()
          }}
        />
        <Button variant="default" disabled={isReadOnly || name === ''} onClick={add}>
          Add
        </Button>
      </Group>
    </>
  )
}

interface ParameterProps {
  name: string
  schema: FormSchema & { writeOnly?: boolean }
  isRequired: boolean
  isReadOnly: boolean
  /** Stays when it is emptied. */
  isKept?: boolean
  value: unknown
  onChange(value: unknown): void
}

/** As names of secrets are known in connect pages and in records. */
const SECRET = /secret|password|passphrase|token|api[-_ ]?key|private[-_ ]?key|credential/i

function Parameter({ name, schema, isRequired, isReadOnly, isKept = false, value, onChange }: ParameterProps) {
  const usual = {
    label: schema.title ?? name,
    description: schema.description,
    required: isRequired,
    disabled: isReadOnly,
  }
  const empty = isKept ? '' : undefined
  if (schema.enum !== undefined)
    return (
      <Select
        {...usual}
        data={schema.enum.map(String)}
        value={value === undefined ? null : String(value)}
        clearable={!isRequired}
        onChange={(to) => onChange(to ?? undefined)}
      />
    )
  if (schema.type === 'boolean')
    return <Switch {...usual} checked={value === true} onChange={(event) => onChange(event.currentTarget.checked)} />
  if (schema.type === 'integer' || schema.type === 'number')
    return (
      <NumberInput
        {...usual}
        hideControls
        value={typeof value === 'number' ? value : ''}
        onChange={(to) => onChange(typeof to === 'number' ? to : undefined)}
      />
    )
  const isText = value === undefined || typeof value === 'string'
  const text = {
    ...usual,
    value: isText ? (value ?? '') : JSON.stringify(value),
    onChange: ({ currentTarget }: { currentTarget: { value: string } }) =>
      onChange(currentTarget.value === '' ? empty : isText ? currentTarget.value : readAs(currentTarget.value)),
  }
  const isSecret = schema.format === 'password' || schema.writeOnly === true || SECRET.test(name)
  return isSecret ? (
    <PasswordInput {...text} autoComplete="off" visibilityToggleButtonProps={{ 'aria-label': `Show ${usual.label}` }} />
  ) : (
    <TextInput {...text} />
  )
}

/** What was JSON stays JSON where it can be read as such. */
function readAs(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function recordOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {}
}

function useConnector(id: string) {
  const { data } = useQuery({
    queryKey: ['connector', 'one', id],
    queryFn: () => permea.connectors.get({ params: { selector: id } }),
    enabled: id !== '',
    staleTime: 30_000,
  })
  return data
}
