import { TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { Copy } from '../../parts/copy.tsx'
import { numberOf } from '../../parts/number-of.ts'
import { fieldsOf } from './schema-fields.ts'

interface FieldListProps {
  title: string
  schema: unknown
  /** Said where the schema tells of no field. */
  empty: ReactNode
}

const SOUGHT_FROM = 12

/** The fields of one side, to be read beside those of the other. */
export function FieldList({ title, schema, empty }: FieldListProps) {
  const [sought, setSought] = useState('')
  const all = fieldsOf(schema)
  const words = sought.trim().toLowerCase()
  const fields = all.filter(({ path, title: name }) => `${path} ${name ?? ''}`.toLowerCase().includes(words))
  return (
    <section aria-label={title} className="stack">
      <h3 className="section-title">{title}</h3>
      {all.length === 0 && <p className="dim flat">{empty}</p>}
      {all.length >= SOUGHT_FROM && (
        <TextInput
          aria-label={`Search ${title.toLowerCase()}`}
          placeholder={`Search ${numberOf(all.length, 'field')}`}
          value={sought}
          onChange={(event) => setSought(event.currentTarget.value)}
        />
      )}
      {fields.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <ul className="plain-list field-list" tabIndex={0} aria-label={`${title}, scrollable`}>
          {fields.map((field) => (
            <li key={field.path}>
              <span>
                <code>{field.path}</code> {field.title !== undefined && <span className="dim">{field.title}</span>}
              </span>
              <span className="dim">
                {field.type}
                {field.isReadOnly && ', only read'} <Copy text={`$.${field.path}`} what={`path of ${field.path}`} />
              </span>
            </li>
          ))}
        </ul>
      )}
      {all.length > 0 && fields.length === 0 && <p className="dim flat">No field fits.</p>}
    </section>
  )
}
