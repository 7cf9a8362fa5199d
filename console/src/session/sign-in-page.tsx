import {
  Alert,
  Button,
  Center,
  Divider,
  Loader,
  PasswordInput,
  SegmentedControl,
  Stack,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { useDocumentTitle } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type SubmitEvent, useEffect, useState } from 'react'
import { PAGES_PATH } from '../base.ts'
import { Mark } from '../shell/mark.tsx'
import { LinkForm, SecondFactorForm } from './account-forms.tsx'
import { askForSession, type Proof, SESSION_URL, type SessionState, signIn } from './session.ts'

/** What single sign-on came back with, in words for people. */
const PROBLEMS: Record<string, string> = {
  unavailable: 'The provider of single sign-on cannot be reached. Try again, or sign in another way.',
  refused: 'Single sign-on did not succeed. The log of the engine says why.',
  over: 'Signing in took too long, or began in another browser. Try again.',
  'no-role': 'Nobody gave you a role here yet. Ask an owner for an invitation.',
  domain: 'Addresses of this domain may not sign in here.',
  unconfirmed: 'The provider has not confirmed your e-mail address.',
  'too-often': 'Too many attempts to sign in. Try again in a minute.',
}

/** What stands behind the `#`: `invitation=…` or `password=…` of a link that was handed over, or a code alone. */
const LINK = /^(?:invitation|password)=([\w-]+)$/

/** Lets people in: with an account, single sign-on, a link, the admin password or an admin token. */
export function SignInPage() {
  useDocumentTitle('Sign in · Permea')
  const navigate = useNavigate()
  const [problem, setProblem] = useState<string | null>(
    () => PROBLEMS[new URLSearchParams(location.search).get('problem') ?? ''] ?? null,
  )
  const [hash] = useState(() => location.hash.slice(1))
  const link = LINK.exec(hash)?.[1] ?? null
  const code = link === null ? hash : ''
  const [isUsingLink, setIsUsingLink] = useState(code !== '')
  const [isCodeAwaited, setIsCodeAwaited] = useState(false)
  const session = useQuery({ queryKey: ['session'], queryFn: askForSession, staleTime: 0 })

  const enter = async (proof: Proof) => {
    setProblem(null)
    try {
      if ((await signIn(proof)) === 'second-factor') return setIsCodeAwaited(true)
      await navigate({ to: destination(), search: {}, replace: true })
    } catch (error) {
      setProblem(error instanceof TypeError ? 'The engine cannot be reached.' : (error as Error).message)
    } finally {
      setIsUsingLink(false)
    }
  }

  // biome-ignore lint/correctness/useExhaustiveDependencies: a link is used once, when the page opens
  useEffect(() => {
    if (hash !== '') history.replaceState(null, '', location.pathname)
    if (code === '' || isUsed) return
    isUsed = true
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
        ) : isCodeAwaited || session.data.isSecondFactorAwaited ? (
          <SecondFactorForm enter={enter} />
        ) : link !== null ? (
          <LinkForm link={link} enter={enter} />
        ) : (
          <Ways session={session.data} enter={enter} />
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
  const path = next.startsWith(`${PAGES_PATH}/`) ? next.slice(PAGES_PATH.length) : next
  return /^\/(?!\/)/.test(path) && !path.startsWith('/sign-in') ? path : '/'
}

type Way = 'account' | 'password' | 'token'

function Ways({ session, enter }: { session: SessionState; enter(proof: Proof): Promise<void> }) {
  const { hasPassword, singleSignOn } = session
  const [way, setWay] = useState<Way>(hasPassword ? 'password' : 'account')
  const [email, setEmail] = useState('')
  const [secret, setSecret] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    setIsBusy(true)
    const proof =
      way === 'account'
        ? { email, password: secret }
        : way === 'password'
          ? { password: secret }
          : { token: secret.trim() }
    void enter(proof).finally(() => setIsBusy(false))
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="md">
        {singleSignOn !== null && (
          <>
            <Button component="a" href={`${SESSION_URL}/sso`} size="md" variant="default">
              {singleSignOn}
            </Button>
            <Divider label="or" />
          </>
        )}
        <SegmentedControl
          value={way}
          onChange={(to) => {
            setWay(to as Way)
            setSecret('')
          }}
          data={[
            { value: 'account', label: 'Account' },
            ...(hasPassword ? [{ value: 'password', label: 'Password' }] : []),
            { value: 'token', label: 'Admin token' },
          ]}
        />
        {way === 'account' && (
          <TextInput
            label="E-mail address"
            type="email"
            autoComplete="username"
            required
            withAsterisk={false}
            value={email}
            onChange={(event) => setEmail(event.currentTarget.value)}
          />
        )}
        {way === 'token' ? (
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
        ) : (
          <PasswordInput
            label={way === 'account' ? 'Password' : 'Admin password'}
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={secret}
            onChange={(event) => setSecret(event.currentTarget.value)}
          />
        )}
        <Button type="submit" size="md" loading={isBusy}>
          Sign in
        </Button>
        <Text size="sm" c="dimmed">
          An engine with its own PostgreSQL prints a link at each start that signs in by itself.
          {!hasPassword && ' To sign in with a password of the operator, start it with PERMEA_ADMIN_PASSWORD.'}
        </Text>
      </Stack>
    </form>
  )
}
