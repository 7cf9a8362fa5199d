import { Alert, Group, Select } from '@mantine/core'
import { parseExactJson } from '@permea/contract'
import { sendEvents } from '@permea/sdk'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type ItemOf, permea, session, wordsOf } from '../../api.ts'
import { CodeField } from '../../forms/code-field.tsx'
import { useTried } from '../../forms/drafts.ts'
import { Copy } from '../../parts/copy.tsx'
import { curlOf } from '../../parts/curl.tsx'
import { To } from '../../parts/links.tsx'
import { MayButton } from '../../parts/may-button.tsx'

const TOKEN_SECONDS = 300

/** Sends an event as the application would: to the webhook address, with the token of a customer. */
export function SendEvent({ type }: { type: ItemOf<typeof permea.appEventTypes.list> }) {
  const [text, setText] = useTried(`${type.id}/test`, () => JSON.stringify(type.example ?? {}, null, 2))
  const [customerKey, setCustomerKey] = useState<string | null>(null)
  const customers = useQuery({
    queryKey: ['choices', 'customer-keys'],
    queryFn: () => permea.customers.list({ query: { limit: 500 } }),
  })
  const chosen = customerKey ?? customers.data?.items[0]?.internalId ?? null
  const sending = useMutation({
    async mutationFn() {
      const event = parseExactJson(text) as object
      const token = chosen === null ? undefined : await tokenOf(chosen)
      return sendEvents(type.globalWebhookUri, event, { token })
    },
  })
  const isArchived = type.archivedAt !== undefined
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault()
        sending.mutate()
      }}
    >
      <Select
        label="Customer"
        description="The event is sent with a token of this customer."
        placeholder="None: the formula decides"
        searchable
        clearable
        data={(customers.data?.items ?? []).map((each) => ({ value: each.internalId, label: each.name }))}
        value={chosen}
        onChange={setCustomerKey}
      />
      <CodeField label="Event" language="json" value={text} onChange={setText} />
      <Group gap="xs">
        <MayButton needs="workspaces.createAccessToken" type="submit" loading={sending.isPending} disabled={isArchived}>
          Send
        </MayButton>
        <Copy
          text={curlOf({ method: 'POST', path: type.globalWebhookUri, body: bodyOf(text) })}
          what="this request as curl"
        />
      </Group>
      {sending.error !== null && (
        <Alert role="alert" color="red" variant="outline" title="Refused" styles={{ message: { color: 'var(--bad)' } }}>
          {wordsOf(sending.error)}
        </Alert>
      )}
      {sending.data !== undefined && (
        <Alert role="status" variant="outline" color="green" title="Accepted">
          {sending.data.results.map((result) =>
            'id' in result ? (
              <div key={result.id}>
                <To path={`/app-events/${result.id}`}>See the event and what it launched</To>
              </div>
            ) : null,
          )}
        </Alert>
      )}
    </form>
  )
}

async function tokenOf(tenantKey: string): Promise<string> {
  const body = { tenantKey, expiresInSeconds: TOKEN_SECONDS }
  return (await permea.workspaces.createAccessToken({ params: { id: session().workspace.key }, body })).token
}

function bodyOf(text: string): unknown {
  try {
    return parseExactJson(text)
  } catch {
    return {}
  }
}
