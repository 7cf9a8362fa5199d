import { PermeaError } from '@permea/sdk'

/** The key that the engine refuses a call with; rejects where it is not refused, or fails otherwise. */
export async function refusalKey(call: Promise<unknown>): Promise<string | undefined> {
  const answer = await call.catch((error: unknown) => {
    if (error instanceof PermeaError) return error
    throw error
  })
  if (!(answer instanceof PermeaError)) throw new Error(`it was not refused: ${JSON.stringify(answer)}`)
  return answer.key
}
