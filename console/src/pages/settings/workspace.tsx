import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { permea, session } from '../../api.ts'
import { API_URL } from '../../base.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field } from '../../forms/fields.ts'
import { Copyable } from '../../parts/copy.tsx'
import { Card, Facts } from '../../parts/facts.tsx'
import { Failure } from '../../parts/failure.tsx'
import { Moment } from '../../parts/moment.tsx'
import { PageHead } from '../../shell/page-head.tsx'

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
            <Card title="About">
              <Facts
                of={{
                  Key: <Copyable text={data.key} what="workspace key" />,
                  Id: <Copyable text={data.id} what="workspace id" />,
                  'Address of the API': <Copyable text={API_URL} what="address of the API" />,
                  Created: <Moment at={data.createdAt} isExact />,
                }}
              />
            </Card>
            <Card title="Settings">
              <ElementForm
                key={data.updatedAt}
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
