import { Alert, Button, CopyButton, Group, Select, Skeleton, Switch, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { permea, refreshAll, session, wordsOf } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Act } from '../../parts/act.tsx'
import { Copyable } from '../../parts/copy.tsx'
import { Card } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { signOut } from '../../session/session.ts'
import { PageHead } from '../../shell/page-head.tsx'

const LIVES = [
  { value: '3600', label: 'an hour' },
  { value: '86400', label: 'a day' },
  { value: '2592000', label: '30 days' },
  { value: '31536000', label: 'a year' },
]

const keyFields: readonly Field[] = [
  {
    name: 'publicKeys',
    label: 'Public keys',
    kind: 'json',
    about: 'With them your application signs tokens by a private key of its own.',
    placeholder: '[{ "name": "2026", "publicKey": "-----BEGIN PUBLIC KEY-----\\n…\\n-----END PUBLIC KEY-----" }]',
  },
  {
    name: 'jwksUri',
    label: 'Address of a key set',
    kind: 'text',
    placeholder: 'https://your-app.example.com/.well-known/jwks.json',
  },
]

const SECRET_BYTES = 32

export function Page() {
  const key = session().workspace.key
  const { data, error, refetch } = useQuery({
    queryKey: ['workspace', 'one', key],
    queryFn: () => permea.workspaces.get({ params: { id: key } }),
  })
  return (
    <div className="page">
      <PageHead title="Secret and Tokens" about="How your application proves who it is, and for whom it asks." />
      <div className="page-body narrow">
        {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
        {data === undefined ? (
          <Skeleton height={240} />
        ) : (
          <div className="stack">
            <TokenCard />
            <SecretCard workspaceId={data.id} isRefused={data.settings.disableSecretKeyAuth === true} />
            <Card title="Keys of your own">
              <ElementForm
                needs="workspaces.patch"
                draft="keys"
                fields={keyFields}
                of={data}
                isNew={false}
                save={(body) => permea.workspaces.patch({ params: { id: data.id }, body })}
              />
            </Card>
            <Card title="Sessions of this console">
              <p className="dim">Signing out everywhere ends every session of this console, this one included.</p>
              <Act
                needs={null}
                label="Sign out everywhere"
                run={() => signOut('everywhere')}
                confirm={{ title: 'Sign out everywhere?', text: 'Everybody has to sign in again.' }}
              />
            </Card>
          </div>
        )}
      </div>
    </div>
  )
}

function TokenCard() {
  const [isAdmin, setIsAdmin] = useState(false)
  const [tenantKey, setTenantKey] = useState('')
  const [life, setLife] = useState('86400')
  const making = useMutation({
    mutationFn: () =>
      permea.workspaces.createAccessToken({
        params: { id: session().workspace.key },
        body: { expiresInSeconds: Number(life), ...(isAdmin ? { isAdmin: true } : { tenantKey }) },
      }),
    onError: (error) => notifications.show({ color: 'red', title: 'Refused', message: wordsOf(error) }),
  })
  return (
    <Card title="Make a token">
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          making.mutate()
        }}
      >
        <Switch
          label="For an admin: may define things and see every customer’s"
          checked={isAdmin}
          onChange={(event) => setIsAdmin(event.currentTarget.checked)}
        />
        {!isAdmin && (
          <TextInput
            label="Your id of the customer"
            description="Somebody new is created by the first use of the token."
            value={tenantKey}
            onChange={(event) => setTenantKey(event.currentTarget.value)}
          />
        )}
        <Select
          label="Good for"
          data={LIVES}
          value={life}
          onChange={(to) => setLife(to ?? '86400')}
          allowDeselect={false}
          maw={220}
        />
        <div>
          <Button type="submit" loading={making.isPending} disabled={!isAdmin && tenantKey.trim() === ''}>
            Make it
          </Button>
        </div>
        {making.data !== undefined && (
          <Alert role="status" variant="outline" title="The token">
            <p>It is not kept anywhere: copy it now.</p>
            <code className="secret">{making.data.token}</code>
            <CopyButton value={making.data.token} timeout={2000}>
              {({ copied, copy }) => (
                <Button
                  size="xs"
                  mt="sm"
                  onClick={copy}
                  leftSection={copied ? <IconCheck size={14} /> : <IconCopy size={14} />}
                >
                  {copied ? 'Copied' : 'Copy the token'}
                </Button>
              )}
            </CopyButton>
          </Alert>
        )}
      </form>
    </Card>
  )
}

function SecretCard({ workspaceId, isRefused }: { workspaceId: string; isRefused: boolean }) {
  const [secret, setSecret] = useState<string | null>(null)
  const params = { id: workspaceId }
  const showing = useMutation({
    mutationFn: () => permea.workspaces.get({ params, query: { includeSecrets: true } }),
    onSuccess: (workspace) => setSecret(workspace.secret ?? null),
  })
  return (
    <Card title="Workspace secret">
      <div className="stack">
        <p className="dim flat">
          Your application signs tokens with it, and verifies those on requests that the engine sends to it. Whoever has
          it may do everything.
        </p>
        {secret !== null && <Copyable text={secret} what="workspace secret" />}
        <Group gap="xs">
          <Button
            size="xs"
            variant="default"
            loading={showing.isPending}
            onClick={() => (secret === null ? showing.mutate() : setSecret(null))}
          >
            {secret === null ? 'Show it' : 'Hide it'}
          </Button>
          <Act
            needs="workspaces.patch"
            label="Make a new one"
            run={async () => {
              const made = newSecret()
              await permea.workspaces.patch({ params, body: { secret: made } })
              return made
            }}
            onDone={setSecret}
            said="The new secret counts from now on"
            confirm={{
              title: 'Make a new secret?',
              text: 'Tokens that were signed with the old one are refused from that moment on. Change over with public keys if that must not happen.',
            }}
          />
          <Act
            needs="workspaces.patch"
            label={isRefused ? 'Take tokens signed with it again' : 'Take no tokens signed with it'}
            run={async () => {
              await permea.workspaces.patch({ params, body: { settings: { disableSecretKeyAuth: !isRefused } } })
              refreshAll()
            }}
            said="Changed"
            {...(isRefused
              ? {}
              : {
                  confirm: {
                    title: 'Take no tokens signed with the secret?',
                    text: 'Only tokens signed with your own keys are taken then. Set those up first.',
                  },
                })}
          />
        </Group>
      </div>
    </Card>
  )
}

function newSecret(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
  return btoa(String.fromCharCode(...bytes)).replaceAll(/[+/=]/g, (char) => ({ '+': '-', '/': '_' })[char] ?? '')
}
