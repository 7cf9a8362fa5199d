import type { ErrorKey } from '@permea/contract'

type BodyProblemKey = Extract<ErrorKey, 'malformed_body' | 'payload_too_large' | 'overloaded' | 'request_timeout'>

/** A body that is not taken in; the message says why, for who sent it. */
export class BodyProblem extends Error {
  override readonly name = 'BodyProblem'
  readonly key: BodyProblemKey

  constructor(key: BodyProblemKey, message: string) {
    super(message)
    this.key = key
  }
}
