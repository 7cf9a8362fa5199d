import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { placeOfId } from '../places.ts'
import { NameOf } from './name-of.tsx'

type Params = Readonly<Record<string, string | undefined>>

/** A link within the console; every hop along the chain is one of these. */
export function To({ path, search = {}, children }: { path: string; search?: Params; children: ReactNode }) {
  return (
    <Link to={path} search={search} className="hop">
      {children}
    </Link>
  )
}

interface Customer {
  id: string
  name: string
  internalId: string
}

export function CustomerLink({ customer, id }: { customer: Customer | undefined; id: string }) {
  return <To path={`/customers/${customer?.id ?? id}`}>{customer?.name ?? id}</To>
}

/** A link to what an identifier stands for, where that has a page: by its name, where it has one. */
export function IdLink({ id, children }: { id: string | undefined; children?: ReactNode }) {
  if (id === undefined) return <span>–</span>
  const place = placeOfId(id)
  const words = children ?? <NameOf id={id} />
  return place === null ? words : <To path={place}>{words}</To>
}
