import { Alert, Button } from '@mantine/core'
import { PermeaError } from '@permea/sdk'
import { IconAlertCircle } from '@tabler/icons-react'
import { wordsOf } from '../api.ts'

/** Says what went wrong, once, where it went wrong. */
export function Failure({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const isGone = error instanceof PermeaError && error.status === 404
  return (
    <Alert
      role="alert"
      variant="outline"
      color="red"
      icon={<IconAlertCircle size={18} />}
      title={isGone ? 'Not here' : 'That did not work'}
      styles={{ title: { color: 'var(--bad)' }, message: { color: 'var(--mantine-color-text)' } }}
    >
      {isGone ? 'It does not exist (any more), or its day left with the retention time.' : wordsOf(error)}
      {onRetry !== undefined && !isGone && (
        <div style={{ marginTop: 8 }}>
          <Button size="xs" variant="default" onClick={onRetry}>
            Try again
          </Button>
        </div>
      )}
    </Alert>
  )
}
