import { useDocumentTitle } from '@mantine/hooks'
import type { ReactNode } from 'react'

export function PageHead({ title, about, actions }: { title: string; about?: ReactNode; actions?: ReactNode }) {
  useDocumentTitle(`${title} · Permea`)
  return (
    <header className="page-head">
      <div>
        <h1>{title}</h1>
        {about !== undefined && <p>{about}</p>}
      </div>
      {actions !== undefined && <div className="page-actions">{actions}</div>}
    </header>
  )
}
