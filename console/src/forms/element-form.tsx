import {
  Alert,
  Button,
  Group,
  MultiSelect,
  NumberInput,
  Select,
  Switch,
  TagsInput,
  Textarea,
  TextInput,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type ReactNode, type SubmitEvent, useCallback, useMemo, useRef, useState } from 'react'
import { problemsOf, refreshAll, refreshed, wordsOf } from '../api.ts'
import { formulaCompletion } from '../code/formula-completion.ts'
import { MayButton } from '../parts/may-button.tsx'
import { type EndpointName, refusalOf } from '../session/may.ts'
import { CodeField } from './code-field.tsx'
import { DestinationField } from './destination-field.tsx'
import { withoutLogin } from './destination-url.ts'
import { DraftNotice } from './draft-notice.tsx'
import { useDraft } from './drafts.ts'
import { changesOf, type Field, shownValues, type Values } from './fields.ts'
import { FunctionField } from './function-field.tsx'
import type { FunctionText } from './function-text.ts'
import { isSameJson } from './same.ts'

interface ElementFormProps<T> {
  /** What unsaved work in it is kept under: `customers/new`. */
  draft: string
  fields: readonly Field[]
  /** What is there already; empty for a new one. */
  of: Values
  isNew: boolean
  /** What saving calls. */
  needs: EndpointName
  save(body: Values): Promise<T>
  onSaved?(result: T): void
  button?: string
  /** Where the element stands within what is saved, as the engine names places in it: `events.created.`. */
  within?: string
  children?: ReactNode
}

/** Creates or changes an element: sends what was changed, and shows what the engine refused beside the field. */
export function ElementForm<T>(props: ElementFormProps<T>) {
  return <FormOf key={props.draft} {...props} />
}

const NOTHING: Values = {}

function FormOf<T>(props: ElementFormProps<T>) {
  const { fields, of, isNew, needs, save, onSaved } = props
  const refusal = refusalOf(needs)
  const before = useMemo(() => shownValues(fields, of), [fields, of])
  const stored = useCallback((values: Values) => withoutSecrets(fields, values), [fields])
  const draft = useDraft<Values>(props.draft, stored)
  const [local, setLocal] = useState<Record<string, string>>({})
  const changed = draft.value ?? NOTHING
  const latest = useRef(changed)
  const values = { ...before, ...changed }
  const change = (to: Values) => {
    latest.current = to
    draft.set(Object.keys(to).every((name) => isSameJson(to[name], before[name])) ? null : to)
  }
  const { mutate, isPending, error } = useMutation({
    async mutationFn(body: Values) {
      const sent = latest.current
      return { result: await save(body), sent }
    },
    async onSuccess({ result, sent }) {
      if (!isNew) await refreshed()
      else refreshAll()
      // What was typed meanwhile is kept: only what was sent is saved.
      const left = Object.fromEntries(Object.entries(latest.current).filter(([name, value]) => value !== sent[name]))
      latest.current = left
      draft.set(Object.keys(left).length === 0 ? null : left)
      notifications.show({ message: isNew ? 'Created' : 'Saved' })
      onSaved?.(result)
    },
  })
  const refused = inside(props.within ?? '', problemsOf(error))
  const problems = { ...fieldProblems(fields, refused), ...local }
  const isUnplaced = error !== null && Object.keys(fieldProblems(fields, refused)).length === 0

  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const { body, problems: found } = changesOf(fields, values, before)
    setLocal(found)
    if (Object.keys(found).length > 0) return
    mutate(isNew ? withoutNulls(body) : body)
  }
  const isUnchanged = Object.keys(changed).every((name) => isSameJson(changed[name], before[name]))
  return (
    <form onSubmit={submit} noValidate className="stack">
      {refusal !== null && <p className="dim flat">{refusal}</p>}
      <DraftNotice keptAt={draft.keptAt} onDiscard={() => change({})} />
      {fields.map((field, at) => (
        <div key={field.name}>
          {field.section !== undefined && field.section !== fields[at - 1]?.section && (
            <h3 className="form-section">{field.section}</h3>
          )}
          <One
            field={field}
            isNew={isNew}
            isReadOnly={refusal !== null}
            value={values[field.name]}
            values={values}
            error={problems[field.name]}
            onChange={(value) => {
              change({ ...latest.current, [field.name]: value })
              setLocal(({ [field.name]: _, ...others }) => others)
            }}
          />
        </div>
      ))}
      {props.children}
      {isUnplaced && (
        <Alert role="alert" color="red" variant="outline" styles={{ message: { color: 'var(--bad)' } }}>
          {wordsOf(error)}
        </Alert>
      )}
      <Group gap="xs">
        <MayButton type="submit" needs={needs} loading={isPending} disabled={refusal === null && !isNew && isUnchanged}>
          {props.button ?? (isNew ? 'Create' : 'Save')}
        </MayButton>
        {!isNew && !isUnchanged && (
          <Button variant="default" onClick={() => change({})}>
            Undo changes
          </Button>
        )}
      </Group>
    </form>
  )
}

function withoutSecrets(fields: readonly Field[], values: Values): Values {
  const secret = new Set(fields.filter((each) => each.isSecret === true).map((each) => each.name))
  const places = new Set(
    fields.filter((each) => each.kind === 'destination' || each.kind === 'source').map((each) => each.name),
  )
  return Object.fromEntries(
    Object.entries(values)
      .filter(([name]) => !secret.has(name))
      .map(([name, value]) => [name, places.has(name) ? withoutLogin(String(value)) : value]),
  )
}

function withoutNulls(body: Values): Values {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
}

function inside(within: string, refused: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(refused).map(([place, message]) => [
      place.startsWith(within) ? place.slice(within.length) : place,
      message,
    ]),
  )
}

/** The engine names places inside a field, too: `nodes.send.config`. */
function fieldProblems(fields: readonly Field[], refused: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(refused).flatMap(([place, message]) => {
      const field = fields.find(
        ({ name }) => place === name || place.startsWith(`${name}.`) || place.startsWith(`${name} `),
      )
      return field === undefined ? [] : [[field.name, place === field.name ? message : `${place}: ${message}`]]
    }),
  )
}

interface OneProps {
  field: Field
  isNew: boolean
  isReadOnly: boolean
  value: unknown
  values: Values
  error: string | undefined
  onChange(value: unknown): void
}

function One({ field, isNew, isReadOnly, value, values, error, onChange }: OneProps) {
  const isFixed = !isNew && field.fixed !== undefined
  const usual = {
    label: field.label,
    description: isFixed ? field.fixed : field.about,
    error,
    disabled: isFixed || isReadOnly,
    required: field.required === true,
    placeholder: field.placeholder ?? '',
  }
  switch (field.kind) {
    case 'text':
      return <TextInput {...usual} value={String(value)} onChange={(event) => onChange(event.currentTarget.value)} />
    case 'destination':
      return <DestinationField {...usual} value={String(value)} onChange={onChange} />
    case 'source':
      return <DestinationField {...usual} isSource value={String(value)} onChange={onChange} />
    case 'long':
      return (
        <Textarea
          {...usual}
          autosize
          minRows={2}
          value={String(value)}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )
    case 'number':
      return (
        <NumberInput
          {...usual}
          value={value as number | ''}
          hideControls
          maw={220}
          onChange={(to) => onChange(typeof to === 'number' ? to : '')}
        />
      )
    case 'switch':
      return (
        <Switch
          label={field.label}
          description={field.about}
          error={error}
          disabled={isReadOnly}
          checked={value === true}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />
      )
    case 'choice':
      return (
        <Select
          {...usual}
          data={[...(field.choices ?? [])]}
          value={String(value) || null}
          onChange={(to) => onChange(to ?? '')}
        />
      )
    case 'choices':
      return (
        <MultiSelect
          {...usual}
          data={[...(field.choices ?? [])]}
          value={value as string[]}
          onChange={onChange}
          clearable
        />
      )
    case 'names':
      return <TagsInput {...usual} value={value as string[]} onChange={onChange} />
    case 'function':
      return (
        <FunctionField {...usual} start={field.start ?? ''} value={value as FunctionText | ''} onChange={onChange} />
      )
    case 'own':
      return field.show?.({ value, values, error, isReadOnly, onChange })
    case 'lookup':
      return <Lookup field={field} usual={usual} value={String(value)} onChange={onChange} />
    case 'json':
      return <JsonField {...usual} scope={field.scope} value={String(value)} onChange={onChange} />
    case 'javascript':
      return <CodeField {...usual} language="javascript" value={String(value)} onChange={onChange} />
  }
}

interface JsonFieldProps {
  label: string
  scope: Field['scope']
  value: string
  onChange(value: unknown): void
}

/** JSON; where formulas stand in it, with what they can name. */
function JsonField({ scope, ...field }: JsonFieldProps) {
  const complete = useMemo(() => (scope === undefined ? undefined : formulaCompletion(scope)), [scope])
  return <CodeField {...field} language="json" complete={complete} scope={scope} />
}

function Lookup(props: { field: Field; usual: object; value: string; onChange(value: unknown): void }) {
  const { field, usual, value, onChange } = props
  const { data = [] } = useQuery({
    queryKey: ['choices', field.name],
    queryFn: field.lookUp ?? (async () => []),
    staleTime: 10_000,
  })
  return <Select {...usual} searchable data={[...data]} value={value || null} onChange={(to) => onChange(to ?? '')} />
}
