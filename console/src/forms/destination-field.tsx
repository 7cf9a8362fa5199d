import { PasswordInput, Select, Switch, TextInput } from '@mantine/core'
import { useState } from 'react'
import {
  type BrokerKind,
  DESTINATION_KINDS,
  type DestinationKind,
  type DestinationParts,
  destinationParts,
  destinationUrl,
  SOURCE_KINDS,
  SOURCE_TARGETS,
  TARGETS,
  type TargetField,
} from './destination-url.ts'

interface DestinationFieldProps {
  label: string
  description: string | undefined
  placeholder: string
  error: string | undefined
  required: boolean
  disabled: boolean
  value: string
  /** Messages are read from there, and not sent to it. */
  isSource?: boolean
  onChange(value: string): void
}

/** Where messages go: over HTTP, or the server and the target of a broker. Its value is the URL. */
export function DestinationField(props: DestinationFieldProps) {
  const { value, onChange, label, error, disabled, isSource = false } = props
  const [kept, setKept] = useState<DestinationParts>(() => startOf(value, isSource))
  // What came from elsewhere (undone, saved, loaded) is read anew; what was typed here stays as it was typed.
  const parts = destinationUrl(kept) === value || value === '' ? kept : destinationParts(value)
  const set = (change: Partial<DestinationParts>) => {
    const changed = { ...parts, ...change }
    setKept(changed)
    onChange(destinationUrl(changed))
  }
  const { kind } = parts
  return (
    <div className="stack">
      <Select
        label={isSource ? 'Comes from' : 'Goes over'}
        data={[...(isSource ? SOURCE_KINDS : DESTINATION_KINDS)]}
        value={kind}
        allowDeselect={false}
        disabled={disabled}
        onChange={(to) => to !== null && set({ kind: to as DestinationKind })}
      />
      {kind === 'http' ? (
        <TextInput
          label={label}
          description={props.description}
          placeholder={props.placeholder}
          required={props.required}
          error={error}
          disabled={disabled}
          value={parts.address}
          onChange={(event) => set({ address: event.currentTarget.value })}
        />
      ) : (
        <Broker
          kind={kind}
          parts={parts}
          fields={(isSource ? SOURCE_TARGETS : TARGETS)[kind]}
          error={error}
          disabled={disabled}
          set={set}
        />
      )}
    </div>
  )
}

/** A source that is not there yet is of some broker. */
function startOf(value: string, isSource: boolean): DestinationParts {
  const parts = destinationParts(value)
  return isSource && parts.kind === 'http' ? { ...parts, kind: 'nats' } : parts
}

function Broker(props: {
  kind: BrokerKind
  fields: readonly TargetField[]
  parts: DestinationParts
  error: string | undefined
  disabled: boolean
  set(change: Partial<DestinationParts>): void
}) {
  const { kind, fields, parts, error, disabled, set } = props
  const text = (name: 'server' | 'servers' | 'user') => ({
    disabled,
    value: parts[name],
    onChange: (event: { currentTarget: { value: string } }) => set({ [name]: event.currentTarget.value }),
  })
  return (
    <>
      <TextInput
        label="Server"
        description="A public address; with its port where that is not the usual one."
        placeholder="broker.example.com"
        required
        error={error}
        {...text('server')}
      />
      <Switch
        label="Over TLS"
        disabled={disabled}
        checked={parts.isTls}
        onChange={(event) => set({ isTls: event.currentTarget.checked })}
      />
      {fields.map(({ name, label, placeholder, about }) => (
        <TextInput
          key={`${kind} ${name}`}
          label={label}
          placeholder={placeholder}
          description={about}
          disabled={disabled}
          value={parts.target[name] ?? ''}
          onChange={(event) => set({ target: { ...parts.target, [name]: event.currentTarget.value } })}
        />
      ))}
      <TextInput label="User" description="Sealed together with the password." {...text('user')} />
      <PasswordInput
        label="Password"
        description="Sealed, and not shown again. Empty: what is there stays, as long as the server is the same."
        autoComplete="off"
        disabled={disabled}
        value={parts.password}
        onChange={(event) => set({ password: event.currentTarget.value })}
      />
      <TextInput
        label="Other servers of the same installation"
        placeholder="b.example.com, c.example.com"
        {...text('servers')}
      />
    </>
  )
}
