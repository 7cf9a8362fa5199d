import { Alert, Button, Loader, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type SubmitEvent, useState } from 'react'
import { askForLink, type Proof } from './session.ts'

interface FormProps {
  enter(proof: Proof): Promise<void>
}

/** The code of an app, or a recovery code, once the password was right. */
export function SecondFactorForm({ enter }: FormProps) {
  const [code, setCode] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    setIsBusy(true)
    void enter({ secondFactor: code }).finally(() => setIsBusy(false))
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <TextInput
          label="Code"
          description="Six digits from your app, or one of your recovery codes."
          autoComplete="one-time-code"
          required
          withAsterisk={false}
          value={code}
          onChange={(event) => setCode(event.currentTarget.value)}
        />
        <Button type="submit" size="md" loading={isBusy}>
          Go on
        </Button>
      </Stack>
    </form>
  )
}

/** For who follows a link that an owner handed over: joins, or sets a new password. */
export function LinkForm({ link, enter }: FormProps & { link: string }) {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const state = useQuery({ queryKey: ['session', 'link', link], queryFn: () => askForLink(link), retry: false })
  if (state.isPending) return <Loader aria-label="Looking at the link" size="sm" />
  if (state.data === null || state.data === undefined)
    return (
      <Alert role="alert" variant="outline" color="red" styles={{ message: { color: 'var(--bad)' } }}>
        This link was used already or is too old; each is good once. Ask for another one.
      </Alert>
    )
  const { kind, email, hasAccount } = state.data
  const isNew = kind === 'invitation' && !hasAccount
  const isOwn = kind === 'invitation' && hasAccount
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    setIsBusy(true)
    void enter({ link, name, password }).finally(() => setIsBusy(false))
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        <Text>
          {kind === 'invitation' ? 'You are invited as' : 'A new password for'} <strong>{email}</strong>.
        </Text>
        {isNew && (
          <TextInput
            label="Your name"
            autoComplete="name"
            required
            withAsterisk={false}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
        )}
        <PasswordInput
          label={isOwn ? 'Password' : 'New password'}
          description={isOwn ? 'You have an account already: its password.' : 'At least 12 characters.'}
          autoComplete={isOwn ? 'current-password' : 'new-password'}
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <Button type="submit" size="md" loading={isBusy}>
          {kind === 'invitation' ? 'Join' : 'Set it and sign in'}
        </Button>
      </Stack>
    </form>
  )
}
