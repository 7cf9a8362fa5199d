import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { permea, session } from '../../api.ts'
import { API_URL } from '../../base.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field, Values } from '../../forms/fields.ts'
import { PAYLOAD_DAYS } from '../../forms/payload-days.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Card, Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { HistoryLink } from '../../parts/history-link.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'
import { Usage } from './quotas.tsx'

const fields: readonly Field[] = [
  { name: 'name', label: 'Name', kind: 'text', required: true },
  {
    name: 'type',
    label: 'Type',
    kind: 'choice',
    choices: [
      { value: 'production', label: 'Production' },
      { value: 'development', label: 'Development' },
    ],
  },
  {
    name: 'appBaseUri',
    label: 'Base address of your application',
    kind: 'text',
    placeholder: 'https://your-app.example.com/api',
    about: 'Where relative addresses of requests to your app go. They carry a token that your application can verify.',
  },
  { name: 'logoUri', label: 'Logo', kind: 'text', placeholder: 'https://…', about: 'Shown on the connect page.' },
]

const PAYLOAD_DAYS_OF_ALL: Field = {
  ...PAYLOAD_DAYS,
  about: '0: until they are worked off. Empty: as the installation has it. Event types may say otherwise.',
}

/** What customers see when they connect an app. */
const lookFields: readonly Field[] = [
  {
    name: 'primaryColor',
    label: 'Colour of buttons',
    kind: 'text',
    placeholder: '#1f5fd6',
    about: 'Their text is black or white, whichever can be read.',
  },
  { name: 'fontFamily', label: 'Fonts', kind: 'text', placeholder: 'Inter, Helvetica' },
  { name: 'fontUrl', label: 'WOFF2 file of the first font', kind: 'text', placeholder: 'https://…' },
  { name: 'cornerRadius', label: 'Radius of corners, in pixels', kind: 'number' },
  {
    name: 'colorScheme',
    label: 'Light or dark',
    kind: 'choice',
    choices: [
      { value: 'auto', label: 'As the customer’s system' },
      { value: 'light', label: 'Light' },
      { value: 'dark', label: 'Dark' },
    ],
  },
  { name: 'text', label: 'Text under the title', kind: 'long', about: 'In the place of “for … at …”.' },
  { name: 'privacyUrl', label: 'Privacy page', kind: 'text', placeholder: 'https://…' },
  { name: 'helpUrl', label: 'Help page', kind: 'text', placeholder: 'https://…' },
  {
    name: 'allowedOrigins',
    label: 'Origins of pages that may show it',
    kind: 'long',
    placeholder: 'https://app.example.com',
    about: 'One a line. Empty: every page that has a customer’s token.',
  },
]

type Look = Record<string, unknown> & { allowedOrigins?: readonly string[] | null }

const lookOf = (settings: Record<string, unknown>): Look => (settings.connect ?? {}) as Look

function shownLook(look: Look): Values {
  return { ...look, allowedOrigins: (look.allowedOrigins ?? []).join('\n') }
}

/** The whole of it with what was changed: the API takes it as one setting. */
function lookAfter(look: Look, { allowedOrigins, ...changes }: Values): Look {
  const origins = String(allowedOrigins ?? '')
    .split(/\s+/)
    .filter((each) => each !== '')
  return {
    ...look,
    ...changes,
    ...(allowedOrigins === undefined ? {} : { allowedOrigins: origins.length === 0 ? null : origins }),
  }
}

export function Page() {
  const key = session().workspace.key
  const { data, error, refetch } = useQuery({
    queryKey: ['workspace', 'one', key],
    queryFn: () => permea.workspaces.get({ params: { id: key } }),
  })
  return (
    <div className="page">
      <PageHead title="Workspace" about="What this installation is for." />
      <div className="page-body narrow">
        {error !== null && <Failure error={error} onRetry={() => void refetch()} />}
        {data === undefined ? (
          <Skeleton height={240} />
        ) : (
          <div className="stack">
            <Card title="About" aside={<HistoryLink of={{ elementType: 'workspace' }} />}>
              <Facts
                of={{
                  Key: <Copyable text={data.key} what="workspace key" />,
                  Id: <Copyable text={data.id} what="workspace id" />,
                  'Address of the API': <Copyable text={API_URL} what="address of the API" />,
                  Created: <Moment at={data.createdAt} isExact />,
                }}
              />
            </Card>
            <Card title="Usage">
              <Usage id={data.id} />
            </Card>
            <Card title="Connect page">
              <ElementForm
                needs="workspaces.patch"
                draft="workspace/connect"
                fields={lookFields}
                of={shownLook(lookOf(data.settings))}
                isNew={false}
                save={(body) =>
                  permea.workspaces.patch({
                    params: { id: data.id },
                    body: { settings: { connect: lookAfter(lookOf(data.settings), body) } },
                  })
                }
              />
            </Card>
            <Card title="Payloads">
              <ElementForm
                needs="workspaces.patch"
                draft="workspace/payloads"
                fields={[PAYLOAD_DAYS_OF_ALL]}
                of={{ payloadRetentionDays: data.settings.payloadRetentionDays }}
                isNew={false}
                save={(body) => permea.workspaces.patch({ params: { id: data.id }, body: { settings: body } })}
              />
            </Card>
            <Card title="Settings">
              <ElementForm
                needs="workspaces.patch"
                draft="workspace"
                fields={fields}
                of={data}
                isNew={false}
                save={(body) => permea.workspaces.patch({ params: { id: data.id }, body })}
              />
            </Card>
          </div>
        )}
      </div>
    </div>
  )
}
