import { Skeleton } from '@mantine/core'
import { type QueryKey, useQuery } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Failure } from '../parts/failure.tsx'
import { To } from '../parts/links.tsx'
import { Moment } from '../parts/moment.tsx'
import { Remedy } from '../parts/remedy.tsx'
import { Status } from '../parts/status.tsx'

/** Why something went no further. */
export interface Stop {
  why: ReactNode
  /** Of the error, whose remedy is shown. */
  errorKey?: string | undefined
  /** What to do where no error says so. */
  remedy?: { words: string; page: string; search?: Readonly<Record<string, string | undefined>> }
}

interface BranchProps {
  /** What it is: `Flow run`. */
  kind: string
  title: ReactNode
  path?: string
  status?: ReactNode
  at?: string | undefined
  isHere?: boolean
  stop?: Stop | null
  children?: ReactNode
}

/** One step of the way of an event, and what followed from it. */
export function Branch({ kind, title, path, status, at, isHere = false, stop, children }: BranchProps) {
  return (
    <li className="branch" aria-current={isHere ? 'true' : undefined}>
      <div className="branch-head">
        <span className="dim">{kind}</span>
        <strong>{path === undefined || isHere ? title : <To path={path}>{title}</To>}</strong>
        {status}
        {at !== undefined && (
          <span className="dim">
            <Moment at={at} isExact />
          </span>
        )}
      </div>
      {stop !== undefined && stop !== null && <StopNote stop={stop} />}
      {children !== undefined && <ul className="branches">{children}</ul>}
    </li>
  )
}

function StopNote({ stop: { why, errorKey, remedy } }: { stop: Stop }) {
  return (
    <div className="branch-stop">
      <p>{why}</p>
      {remedy === undefined ? (
        <Remedy of={errorKey} />
      ) : (
        <p className="remedy">
          <strong>What to do:</strong>{' '}
          <To path={remedy.page} search={remedy.search ?? {}}>
            {remedy.words}
          </To>
        </p>
      )}
    </div>
  )
}

/** Reads what a branch is made of; while that takes, and where it fails, it is said in its place. */
export function Read<T>(props: { of: QueryKey; read(signal: AbortSignal): Promise<T>; show(found: T): ReactNode }) {
  const { data, error } = useQuery({
    queryKey: ['trail', ...props.of],
    queryFn: ({ signal }) => props.read(signal),
    staleTime: 2000,
  })
  if (error !== null)
    return (
      <li className="branch">
        <Failure error={error} />
      </li>
    )
  if (data === undefined)
    return (
      <li className="branch">
        <Skeleton height={20} width={220} />
      </li>
    )
  return props.show(data)
}

export const state = (of: string | undefined) => <Status of={of} />
