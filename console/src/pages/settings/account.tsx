import { Alert, Button, Group, PasswordInput, Skeleton, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import { type AnswerOf, permea, refreshAll, session, wordsOf } from '../../api.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'

const QrPicture = lazy(() => import('../../parts/qr-picture.tsx'))

export function Page() {
  return (
    <div className="page">
      <PageHead title="My Account" about="How you prove who you are, and where you are signed in." />
      <div className="page-body narrow">
        {session().person === null ? (
          <Card title="No account">
            <p className="flat">
              You are signed in with the workspace’s secret, which is nobody in particular. Invite yourself on the page
              People to have an account.
            </p>
          </Card>
        ) : (
          <Own />
        )}
      </div>
    </div>
  )
}

function Own() {
  const { data, error, refetch } = useQuery({ queryKey: ['account', 'one'], queryFn: () => permea.account.get() })
  if (error !== null) return <Failure error={error} onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={240} />
  return (
    <div className="stack">
      <Card title={data.name}>
        <p className="flat">
          {data.email}, {data.role}
        </p>
      </Card>
      {data.hasPassword && <PasswordCard />}
      <SecondFactorCard account={data} />
      <SessionsCard />
    </div>
  )
}

function PasswordCard() {
  const [current, setCurrent] = useState('')
  const [password, setPassword] = useState('')
  const changing = useMutation({
    mutationFn: () => permea.account.changePassword({ body: { current, password } }),
    onSuccess() {
      setCurrent('')
      setPassword('')
      refreshAll()
      notifications.show({ message: 'The password is changed; other sessions have ended' })
    },
  })
  return (
    <Card title="Password">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          changing.mutate()
        }}
      >
        <PasswordInput
          label="Password as it is"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={current}
          onChange={(event) => setCurrent(event.currentTarget.value)}
          error={changing.error === null ? undefined : wordsOf(changing.error)}
        />
        <PasswordInput
          label="New password"
          description="At least 12 characters."
          autoComplete="new-password"
          required
          withAsterisk={false}
          value={password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <div>
          <Button type="submit" loading={changing.isPending}>
            Change it
          </Button>
        </div>
      </form>
    </Card>
  )
}

function SecondFactorCard({ account }: { account: AnswerOf<typeof permea.account.get> }) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const beginning = useMutation({ mutationFn: () => permea.account.beginSecondFactor({ body: { password } }) })
  const removing = useMutation({
    mutationFn: () => permea.account.removeSecondFactor({ body: { password } }),
    onSuccess: refreshAll,
  })
  const confirming = useMutation({
    mutationFn: () => permea.account.confirmSecondFactor({ body: { code } }),
    onSuccess: refreshAll,
  })
  const { hasSecondFactor, recoveryCodesLeft } = account
  const asking = hasSecondFactor ? removing : beginning
  return (
    <Card title="Second factor">
      <div className="stack">
        <p className="dim flat">
          {hasSecondFactor
            ? `A code is asked for after the password. ${recoveryCodesLeft} recovery codes are left.`
            : 'An app on your phone makes a code that is asked for after the password.'}
        </p>
        {confirming.data !== undefined && (
          <Alert role="status" variant="outline" title="Recovery codes">
            <p>Each lets you in once without the phone. They are shown now and never again.</p>
            <Copyable text={confirming.data.recoveryCodes.join('\n')} what="recovery codes" />
          </Alert>
        )}
        {!hasSecondFactor && beginning.data !== undefined ? (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              confirming.mutate()
            }}
          >
            <p className="flat">Scan this with the app, or give it the secret:</p>
            <Suspense fallback={<Skeleton height={240} width={240} />}>
              <QrPicture text={beginning.data.uri} label="QR code of the secret" />
            </Suspense>
            <Copyable text={beginning.data.secret} what="secret" />
            <Copyable text={beginning.data.uri} what="address" />
            <TextInput
              label="Code of the app"
              autoComplete="one-time-code"
              required
              withAsterisk={false}
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
              error={confirming.error === null ? undefined : wordsOf(confirming.error)}
            />
            <div>
              <Button type="submit" loading={confirming.isPending}>
                Turn it on
              </Button>
            </div>
          </form>
        ) : (
          <form
            className="stack"
            onSubmit={(event) => {
              event.preventDefault()
              asking.mutate()
            }}
          >
            <PasswordInput
              label="Password, for the second factor"
              autoComplete="current-password"
              value={password}
              onChange={(event) => setPassword(event.currentTarget.value)}
              error={asking.error === null ? undefined : wordsOf(asking.error)}
            />
            <div>
              <Button type="submit" variant="default" loading={asking.isPending}>
                {hasSecondFactor ? 'Do without it' : 'Set it up'}
              </Button>
            </div>
          </form>
        )}
      </div>
    </Card>
  )
}

function SessionsCard() {
  const { data } = useQuery({ queryKey: ['account', 'sessions'], queryFn: () => permea.account.sessions() })
  return (
    <Card title="Sessions">
      <ul className="plain-list" aria-label="Sessions">
        {(data?.items ?? []).map(({ id, browser, address, lastSeenAt, isThis }) => (
          <li key={id}>
            <Group justify="space-between" gap="xs">
              <div>
                {isThis ? 'This browser' : browser.slice(0, 60)}
                <div className="dim">
                  {address}, last seen <Moment at={lastSeenAt} />
                </div>
              </div>
              {!isThis && (
                <Act
                  needs="account.endSession"
                  label="End"
                  run={() => permea.account.endSession({ params: { id } })}
                  said="The session has ended"
                />
              )}
            </Group>
          </li>
        ))}
      </ul>
    </Card>
  )
}
