import { Autocomplete, NumberInput, Select, Switch, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { permea } from '../api.ts'
import { ConditionField } from '../conditions/condition-field.tsx'
import { dataLinkTableKeyChoices, dataSourceKeyChoices, fieldMappingKeyChoices } from '../pages/choices.ts'
import { CodeField } from './code-field.tsx'
import { FormulaField } from './formula-field.tsx'
import type { FormScope } from './scope.ts'

/** As much of a JSON Schema as forms are made from. */
export interface FormSchema {
  type?: string
  title?: string
  description?: string
  format?: string
  enum?: string[]
  properties?: Record<string, FormSchema>
  required?: string[]
}

interface SchemaFormProps {
  schema: FormSchema
  value: unknown
  onChange(value: unknown): void
  scope: FormScope
  /** What is wrong, by the path of the field: `request.uri`. */
  problems?: Readonly<Record<string, string>>
  path?: string
  /** What the names of its unfinished texts begin with: of whom the form is. */
  at?: string
}

/** A form that follows from a schema. A value that it does not describe is left as it is. */
export function SchemaForm({ schema, value, onChange, scope, problems = {}, path = '', at = '' }: SchemaFormProps) {
  const given = (typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}) as Record<
    string,
    unknown
  >
  const set = (name: string, to: unknown) => {
    const { [name]: _, ...others } = given
    onChange(to === undefined ? others : { ...others, [name]: to })
  }
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const place = path === '' ? name : `${path}.${name}`
    const common = { scope, problems, path: place, at }
    if (field.type === 'object' && field.properties !== undefined)
      return (
        <fieldset key={name} className="form-set">
          {field.title !== undefined && <legend>{field.title}</legend>}
          {problems[place] !== undefined && <p className="exchange-error">{problems[place]}</p>}
          <SchemaForm {...common} schema={field} value={given[name]} onChange={(to) => set(name, to)} />
        </fieldset>
      )
    return (
      <SchemaField
        key={name}
        {...common}
        name={name}
        schema={field}
        isRequired={schema.required?.includes(name) ?? false}
        value={given[name]}
        onChange={(to) => set(name, to)}
      />
    )
  })
}

interface SchemaFieldProps extends Required<Pick<SchemaFormProps, 'problems' | 'path' | 'at'>> {
  name: string
  schema: FormSchema
  scope: FormScope
  isRequired: boolean
  value: unknown
  onChange(value: unknown): void
}

function SchemaField(props: SchemaFieldProps) {
  const { name, schema, scope, value, onChange, isRequired } = props
  const usual = {
    label: schema.title ?? name,
    description: schema.description,
    error: errorAt(props.problems, props.path),
    required: isRequired,
  }
  const text = typeof value === 'string' ? value : ''
  const setText = (to: string | null) => onChange(to === null || to === '' ? undefined : to)
  if (schema.format === 'formula')
    return <FormulaField {...usual} path={props.at + props.path} value={value} onChange={onChange} scope={scope} />
  if (schema.format === 'condition')
    return <ConditionField {...usual} path={props.at + props.path} value={value} onChange={onChange} scope={scope} />
  if (schema.enum !== undefined)
    return (
      <Select
        {...usual}
        data={schema.enum}
        value={text === '' ? null : text}
        onChange={setText}
        clearable={!isRequired}
      />
    )
  switch (schema.format) {
    case 'app-event-type-key':
      return <KeyOf {...usual} what="app-event-type-keys" load={eventTypeKeys} value={text} onChange={setText} />
    case 'action-key':
      return <KeyOf {...usual} what="action-keys" load={actionKeys} value={text} onChange={setText} />
    case 'data-source-key':
      return <KeyOf {...usual} what="data-source-keys" load={dataSourceKeyChoices} value={text} onChange={setText} />
    case 'field-mapping-key':
      return <KeyOf {...usual} what="mapping-keys" load={fieldMappingKeyChoices} value={text} onChange={setText} />
    case 'data-link-table-key':
      return <KeyOf {...usual} what="link-table-keys" load={dataLinkTableKeyChoices} value={text} onChange={setText} />
    case 'node-key':
      return <Select {...usual} data={[...scope.nodeKeys]} value={text === '' ? null : text} onChange={setText} />
    case 'time-zone':
      return <Autocomplete {...usual} data={TIME_ZONES} limit={20} value={text} onChange={setText} />
    case 'javascript':
      return <CodeField {...usual} language="javascript" value={text} onChange={setText} />
    default:
      return <PlainField {...props} usual={usual} setText={setText} />
  }
}

interface PlainFieldProps extends SchemaFieldProps {
  usual: { label: string; description?: string | undefined; error?: string | undefined; required: boolean }
  setText(to: string): void
}

/** A field by its type alone. */
function PlainField({ schema, value, onChange, scope, usual, setText, path, at }: PlainFieldProps) {
  switch (schema.type) {
    case 'boolean':
      return (
        <Switch
          {...usual}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked || undefined)}
        />
      )
    case 'integer':
    case 'number':
      return (
        <NumberInput
          {...usual}
          value={typeof value === 'number' ? value : ''}
          onChange={(to) => onChange(typeof to === 'number' ? to : undefined)}
        />
      )
    case 'string':
      return (
        <TextInput
          {...usual}
          value={typeof value === 'string' ? value : ''}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )
    default:
      return <FormulaField {...usual} path={at + path} value={value} onChange={onChange} scope={scope} />
  }
}

const TIME_ZONES = ['UTC', ...Intl.supportedValuesOf('timeZone')]

/** What is wrong with a field, or with something inside it. */
function errorAt(problems: Readonly<Record<string, string>>, path: string): string | undefined {
  const place = Object.keys(problems).find(
    (each) => each === path || each.startsWith(`${path} `) || each.startsWith(`${path}.`),
  )
  return place === undefined ? undefined : problems[place]
}

interface KeyOfProps {
  what: string
  load(): Promise<readonly { value: string; label: string }[]>
  label: string
  value: string
  onChange(value: string | null): void
}

function KeyOf({ what, load, value, ...usual }: KeyOfProps) {
  const { data = [] } = useQuery({ queryKey: ['choices', what], queryFn: load, staleTime: 10_000 })
  const isKnown = value === '' || data.some((each) => each.value === value)
  return (
    <Select
      {...usual}
      searchable
      data={isKnown ? [...data] : [...data, { value, label: `${value} (not there)` }]}
      value={value === '' ? null : value}
      nothingFoundMessage="Nothing of this name"
    />
  )
}

const CHOICES_MAX = 500

async function eventTypeKeys() {
  const { items } = await permea.appEventTypes.list({ query: { limit: CHOICES_MAX } })
  return items.map((type) => ({ value: type.key, label: `${type.name} (${type.key})` }))
}

async function actionKeys() {
  const { items } = await permea.actions.list({ query: { limit: CHOICES_MAX } })
  return items.flatMap((action) => (action.key === undefined ? [] : [{ value: action.key, label: action.name }]))
}
