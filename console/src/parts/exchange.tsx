import { Accordion } from '@mantine/core'
import type { ReactNode } from 'react'
import { Json } from './json.tsx'
import { Remedy } from './remedy.tsx'
import { Status } from './status.tsx'

interface ExchangeProps {
  title: ReactNode
  status: string
  about?: ReactNode
  request: unknown
  response?: unknown
  error?: string | undefined
  /** Of what went wrong: its remedy is shown. */
  errorKey?: string | undefined
  isOpen?: boolean
}

/** A request that was sent and what was answered. */
export function Exchange({ title, status, about, request, response, error, errorKey, isOpen = false }: ExchangeProps) {
  return (
    <Accordion variant="contained" defaultValue={isOpen ? 'it' : null} keepMounted={false}>
      <Accordion.Item value="it">
        <Accordion.Control>
          <div className="exchange-head">
            <strong>{title}</strong>
            <Status of={status} label={lineOf(request, response, status)} />
            <span className="dim">{about}</span>
          </div>
          {error !== undefined && <div className="exchange-error">{error}</div>}
        </Accordion.Control>
        <Accordion.Panel>
          <div className="stack">
            <Remedy of={errorKey} />
            <div>
              <div className="small-title">Request</div>
              <Json value={request} label="request" />
            </div>
            {response !== undefined && response !== null && (
              <div>
                <div className="small-title">Answer</div>
                <Json value={response} label="answer" />
              </div>
            )}
          </div>
        </Accordion.Panel>
      </Accordion.Item>
    </Accordion>
  )
}

/** `POST 422`; without an answer, what became of it instead. */
function lineOf(request: unknown, response: unknown, outcome: string): string {
  const { method } = (request ?? {}) as { method?: unknown }
  const { status } = (response ?? {}) as { status?: unknown }
  return [method, status ?? outcome].filter((each) => typeof each === 'string' || typeof each === 'number').join(' ')
}
