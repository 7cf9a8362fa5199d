import type { BrokerGround, Login } from './broker.ts'

/** A message as it came from a broker, which keeps it until it hears what became of it. */
export interface ArrivedMessage {
  /**
   * What tells it from all others, also when it comes again: as its sender says it, else by its place in the broker; null
   * where the broker knows nothing of the kind.
   */
  id: string | null
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  body: Buffer
  /** Where it stands in the broker, for people. */
  place: string
  /** It is stored: it is not to come again. */
  done(): void
  /** It cannot be taken in: it is not to come again, and the broker may set it aside. */
  drop(): void
}

/** Messages that are read from a broker and not settled yet, at most. */
export const UNSETTLED_MAX = 50

/** A broker that is being read. What is not settled when it ends comes again. */
export interface BrokerReading {
  /** Resolves with the reason when it is over; never rejects. */
  readonly ended: Promise<Error>
  /** Messages that wait to be read, where the broker tells; rejects where it does not answer. */
  lag(): Promise<number | null>
  close(): Promise<void>
}

/** Begins to read; `take` is called for each message in the order of the broker. Rejects as `ConnectBroker` does. */
export type ReadBroker<Address> = (
  address: Address,
  login: Login | null,
  how: { ground: BrokerGround; reader: string; take(message: ArrivedMessage): void },
) => Promise<BrokerReading>

/** What is to be read, and by whom. */
export interface ReadRequest {
  /** Where from: what `sourceAddress` reads. */
  url: string
  /** What proves the reader, as `BrokerMessage` has it. */
  authorization: string | null
  /** Names the reader for the broker, which remembers by it how far it came; letters, digits, `-`. */
  reader: string
  take(message: ArrivedMessage): void
  /** For connecting, until messages come. */
  timeoutMs: number
}

/** What came of the wish to read. */
export type ReadOutcome =
  | { kind: 'reading'; reading: BrokerReading }
  | { kind: 'refused' | 'unreachable' | 'forbidden' | 'invalid'; message: string }
