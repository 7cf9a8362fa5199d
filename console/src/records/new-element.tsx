import { useNavigate, useParams } from '@tanstack/react-router'
import type { ComponentType, ReactNode } from 'react'
import { ElementForm } from '../forms/element-form.tsx'
import type { Field, Values } from '../forms/fields.ts'
import type { EndpointName } from '../session/may.ts'
import { NewDrawer } from './new-drawer.tsx'

interface NewElementProps<T> {
  title: string
  path: string
  fields: readonly Field[]
  /** What the form begins with. */
  of?: Values
  button?: string
  needs: EndpointName
  create(body: Values): Promise<T>
  children?: ReactNode
}

const NOTHING: Values = {}

/** The form of an element that is not there yet, beside the list it will be in; once it is made it is shown. */
export function NewElement<T extends { id: string }>({
  title,
  path,
  of = NOTHING,
  create,
  ...form
}: NewElementProps<T>) {
  const navigate = useNavigate()
  return (
    <NewDrawer title={title} path={path}>
      <ElementForm
        {...form}
        draft={`${path}/new`}
        of={of}
        isNew
        save={create}
        onSaved={(made) => void navigate({ to: `/${path}/${made.id}`, search: true })}
      />
    </NewDrawer>
  )
}

/** What a page shows beside its list: the form of a new element, or the element that the URL names. */
export function newOrExisting(New: ComponentType, Existing: ComponentType) {
  return function Record() {
    const { id } = useParams({ strict: false }) as { id?: string }
    return id === 'new' ? <New /> : <Existing />
  }
}
