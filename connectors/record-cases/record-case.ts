import type { RecordMethod } from '@permea/contract'

/** What comes as JSON where a vendor's package has this type: any part of it, moments as text. */
export type Wire<T> = T extends Date
  ? string
  : T extends readonly (infer Each)[]
    ? Wire<Each>[]
    : T extends object
      ? { [Name in keyof T]?: Wire<T[Name]> }
      : T

/** One call of a method of a collection, and the call of the vendor's package that does the same. */
export interface RecordStep<Client> {
  method: Exclude<RecordMethod, 'find'>
  /** What the method is called with. */
  given: Record<string, unknown>
  vendor(client: Client): Promise<unknown>
  /** What the app answers, in the vendor's own type where its package has one. */
  answer: unknown
  /** 200 unless it is said. */
  status?: number
  headers?: Record<string, string>
  gives: unknown
  /** Of the query: what the package sends though nobody asked for it. */
  besides?: string[]
}

/** A collection of a ready-made connector beside the vendor's package. */
export interface RecordCase<Client> {
  connector: string
  collection: string
  parameters?: Record<string, string>
  /** The slot that makes the API client, and the credentials that it wants. */
  makeApiClient: { slot: string; credentials: Record<string, unknown> }
  /** The vendor's package, with the app at this origin. */
  client(origin: string): Client
  /** A whole record as the app has it: it has every field that the collection tells of. */
  whole: Record<string, unknown>
  steps: readonly RecordStep<Client>[]
}

/** Ties the steps to the type of the package's client, and forgets it. */
export function recordCase<Client>(of: RecordCase<Client>): RecordCase<unknown> {
  return of as RecordCase<unknown>
}
