import type { Attempt } from './delivery.ts'

/** What the text of a first attempt says: id, outcome, class and text of the error, status, duration, request, response. */
type Entry = [string, Attempt['outcome'], string | null, string | null, number | null, number, unknown, unknown]

/** A delivery's first and only attempt as it stands in the delivery's row. */
export function firstAttemptText(attempt: Attempt): string {
  const { id, outcome, errorClass, error, httpStatus, durationMs, request, response } = attempt
  const entry: Entry = [id, outcome, errorClass, error, httpStatus, durationMs, request, response ?? null]
  return JSON.stringify(entry)
}

export function firstAttemptOf(
  delivery: { id: string; workspaceId: string; destinationId: string },
  text: string,
): Attempt {
  const [id, outcome, errorClass, error, httpStatus, durationMs, request, response] = JSON.parse(text) as Entry
  return {
    id,
    workspaceId: delivery.workspaceId,
    deliveryId: delivery.id,
    destinationId: delivery.destinationId,
    number: 1,
    trigger: 'auto',
    replayId: null,
    outcome,
    errorClass,
    error,
    httpStatus,
    durationMs,
    request,
    response,
    nextAttemptAt: null,
  }
}
