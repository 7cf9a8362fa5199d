import { Alert, Button, Center, Loader, PasswordInput, SegmentedControl, Stack, Text, Textarea } from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type SubmitEvent, useEffect, useState } from 'react'
import { CONSOLE_PATH } from '../base.ts'
import { Mark } from '../shell/mark.tsx'
import { askForSession, type Proof, signIn } from './session.ts'

/** Lets people in: by the link that the engine printed, by password, or with an admin token. */
export function SignInPage() {
  useDocumentTitle('Sign in · Permea')
  const navigate = useNavigate()
  const [problem, setProblem] = useState<string | null>(null)
  const [code] = useState(() => location.hash.slice(1))
  const [isUsingLink, setIsUsingLink] = useState(code !== '')
  const session = useQuery({ queryKey: ['session'], queryFn: askForSession, staleTime: 0 })

  const enter = async (proof: Proof) => {
    setProblem(null)
    const refused = await signIn(proof).catch(() => 'The engine cannot be reached.')
    setIsUsingLink(false)
    if (refused !== null) return setProblem(refused)
    await navigate({ to: destination(), search: {}, replace: true })
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is used once, when the page opens
  useEffect(() => {
    if (code === '' || isUsed) return
    isUsed = true
    history.replaceState(null, '', location.pathname)
    void enter({ code })
  }, [])

  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack w={380} maw="100%" gap="lg">
        <Mark size={44} />
        <div>
          <h1 className="sign-in-title">Sign in to Permea</h1>
          <Text c="dimmed">Events, flow runs and deliveries of your workspace.</Text>
        </div>
        {problem !== null && (
          <Alert role="alert" variant="outline" color="red" styles={{ message: { color: 'var(--bad)' } }}>
            {problem}
          </Alert>
        )}
        {isUsingLink || session.data === undefined ? (
          <Loader aria-label="Signing in" size="sm" />
        ) : (
          <Ways hasPassword={session.data.hasPassword} enter={enter} />
        )}
      </Stack>
    </Center>
  )
}

/** React asks twice while developing; a link answers once. */
let isUsed = false

/** Where the reader wanted to go; only places within the console. */
function destination(): string {
  const next = new URLSearchParams(location.search).get('next') ?? '/'
  const path = next.startsWith(`${CONSOLE_PATH}/`) ? next.slice(CONSOLE_PATH.length) : next
  return /^\/(?!\/)/.test(path) && !path.startsWith('/sign-in') ? path : '/'
}

type Way = 'password' | 'token'

function Ways({ hasPassword, enter }: { hasPassword: boolean; enter(proof: Proof): Promise<void> }) {
  const [way, setWay] = useState<Way>(hasPassword ? 'password' : 'token')
  const [secret, setSecret] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    setIsBusy(true)
    void enter(way === 'password' ? { password: secret } : { token: secret.trim() }).finally(() => setIsBusy(false))
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {hasPassword && (
          <SegmentedControl
            value={way}
            onChange={(to) => {
              setWay(to as Way)
              setSecret('')
            }}
            data={[
              { value: 'password', label: 'Password' },
              { value: 'token', label: 'Admin token' },
            ]}
          />
        )}
        {way === 'password' ? (
          <PasswordInput
            label="Admin password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
        ) : (
          <Textarea
            label="Admin token"
            description="A JWT signed with the workspace secret, with isAdmin: true."
            autosize
            minRows={3}
            maxRows={6}
            required
            withAsterisk={false}
            spellCheck={false}
            classNames={{ input: 'mono' }}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
        )}
        <Button type="submit" size="md" loading={isBusy}>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          An engine with its own PostgreSQL prints a link at each start that signs in by itself.
          {!hasPassword && ' To sign in with a password, start the engine with PERMEA_ADMIN_PASSWORD.'}
        </Text>
      </Stack>
    </form>
  )
}
