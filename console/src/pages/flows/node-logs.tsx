import { isAlone, OPERATORS, type OperatorName } from '../../conditions/condition.ts'
import { Exchange } from '../../parts/exchange.tsx'
import { Json } from '../../parts/json.tsx'
import { Moment } from '../../parts/moment.tsx'
import { Status } from '../../parts/status.tsx'

/** What a node asked and was answered, said, and compared. */
export function NodeLogs({ logs, isFailed }: { logs: readonly unknown[]; isFailed: boolean }) {
  const conditions = (logs as LoggedCondition[]).filter((log) => log.type === 'condition')
  const exchanges = (logs as LoggedExchange[]).filter((log) => log.type !== 'condition')
  return (
    <>
      {conditions.flatMap(({ comparisons }) =>
        comparisons.length > 0 ? [<Comparisons key="compared" of={comparisons} />] : [],
      )}
      {exchanges.map((log, at) =>
        log.request === undefined ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of a log have nothing else, and never move
          <Json key={at} value={log} label={`log line ${at + 1}`} />
        ) : (
          <Exchange
            // biome-ignore lint/suspicious/noArrayIndexKey: as above
            key={at}
            title={exchanges.length > 1 ? `Request ${at + 1}` : 'Request'}
            status={log.error === undefined && !isRefusal(log.response) ? 'success' : 'failed'}
            about={<Moment at={log.at} />}
            request={log.request}
            response={log.response}
            error={log.error}
            isOpen={at === exchanges.length - 1 && isFailed}
          />
        ),
      )}
    </>
  )
}

interface LoggedExchange {
  type?: string
  at?: string
  request?: unknown
  response?: unknown
  error?: string
}

interface LoggedCondition {
  type?: string
  comparisons: Comparison[]
}

interface Comparison {
  field?: string
  operator: string
  value: unknown
  operand: unknown
  holds: boolean
}

/** What a filter compared when its condition did not hold. */
function Comparisons({ of }: { of: readonly Comparison[] }) {
  return (
    <table className="plain-table">
      <caption className="small-title">What was compared</caption>
      <thead>
        <tr>
          {['Field', 'Was', 'Comparison', 'With', 'Holds'].map((title) => (
            <th key={title} scope="col">
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {of.map(({ field, operator, value, operand, holds }, at) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a comparison is nothing but its place
          <tr key={at}>
            <td>
              <code>{field ?? 'a formula'}</code>
            </td>
            <td>
              <code>{JSON.stringify(value)}</code>
            </td>
            <td>{(OPERATORS as Record<string, string>)[operator] ?? operator}</td>
            <td>
              {operator in OPERATORS && isAlone(operator as OperatorName) ? '' : <code>{JSON.stringify(operand)}</code>}
            </td>
            <td>
              {typeof holds === 'boolean' ? <Status of={holds ? 'yes' : 'no'} /> : <code>{JSON.stringify(holds)}</code>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function isRefusal(response: unknown): boolean {
  const { status } = (response ?? {}) as { status?: number }
  return status !== undefined && status >= 400
}
