import { remedyOf } from '@permea/contract/remedies'
import { To } from './links.tsx'

/** What can be done about an error, where something is known of it. */
export function Remedy({ of: key }: { of: string | undefined }) {
  const found = remedyOf(key)
  if (found === null) return null
  const { remedy, page } = found
  return (
    <p className="remedy">
      <strong>What to do:</strong> {page === undefined ? remedy : <To path={page}>{remedy}</To>}
    </p>
  )
}
