import type { Endpoint } from '@permea/contract'
import type { Call } from './routes.ts'

/** A call that is about to be made, with its query as it was sent. */
export interface CallToRecord extends Call<unknown, unknown> {
  endpoint: Endpoint
  rawQuery: unknown
}

/** A call whose record has begun. */
export interface BegunCall {
  done(answer: unknown): Promise<void>
  failed(error: unknown): Promise<void>
}

/** Does the work of a call, and says how it came out; where that cannot be said, the record of its beginning stays. */
export async function recorded(record: BegunCall | null, work: () => Promise<unknown>): Promise<unknown> {
  let answer: unknown
  try {
    answer = await work()
  } catch (error) {
    await record?.failed(error)
    throw error
  }
  await record?.done(answer)
  return answer
}
