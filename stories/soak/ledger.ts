// What was sent, acknowledged and taken, in arrays with a place for each event: a soak sends millions.

/** Of an event of your application a flow follows; of an app's, a delivery or a flow. */
export const KINDS = ['internal', 'delivered', 'flow'] as const
export type Kind = (typeof KINDS)[number]

/** Of twenty events, twelve are of your application, five are delivered, three go through a flow. */
export function kindOf(n: number): Kind {
  const place = n % 20
  return place < 12 ? 'internal' : place < 17 ? 'delivered' : 'flow'
}

export interface Ledger {
  /** When an event was first sent, milliseconds of the process; 0 where it was not. */
  firstSentMs: Float64Array
  isAcknowledged: Uint8Array
  /** How often its application took it. */
  taken: Uint16Array
  sent: number
  acknowledged: number
  arrived: number
  /** Requests of senders beyond the first of each event. */
  repeats: number
  /** Answers other than 2xx, by status; 0 where there was none. */
  refused: Map<number, number>
  /** Milliseconds since the last sample: of single answers 2xx, and from the first try of an event to its arrival. */
  answersMs: number[]
  arrivalsMs: number[]
}

export function createLedger(eventsMax: number): Ledger {
  return {
    firstSentMs: new Float64Array(eventsMax),
    isAcknowledged: new Uint8Array(eventsMax),
    taken: new Uint16Array(eventsMax),
    sent: 0,
    acknowledged: 0,
    arrived: 0,
    repeats: 0,
    refused: new Map(),
    answersMs: [],
    arrivalsMs: [],
  }
}

/** An application took an event. */
export function noteTaken(ledger: Ledger, n: number): void {
  const before = ledger.taken[n]
  if (before === undefined) return
  ledger.taken[n] = before + 1
  if (before > 0) return
  ledger.arrived += 1
  ledger.arrivalsMs.push(performance.now() - (ledger.firstSentMs[n] ?? 0))
}

export interface Reckoning {
  sent: number
  acknowledged: number
  byKind: Record<Kind, { acknowledged: number; stored: number; taken: number; duplicates: number }>
  /** Acknowledged and not in the database. */
  notStored: number[]
  /** One event that was stored more than once, though each of its requests named it. */
  storedTwice: number[]
  /** Acknowledged and never taken by its application. */
  lost: number[]
  /** Taken by an application and never sent. */
  invented: number[]
  /** Taken again: at least once is what is promised. */
  duplicates: number
  repeats: number
  refused: Record<string, number>
}

/** @param stored how often each event is in the database */
export function reckon(ledger: Ledger, stored: ReadonlyMap<number, number>): Reckoning {
  const sums: Reckoning = {
    sent: ledger.sent,
    acknowledged: ledger.acknowledged,
    byKind: {
      internal: { acknowledged: 0, stored: 0, taken: 0, duplicates: 0 },
      delivered: { acknowledged: 0, stored: 0, taken: 0, duplicates: 0 },
      flow: { acknowledged: 0, stored: 0, taken: 0, duplicates: 0 },
    },
    notStored: [],
    storedTwice: [],
    lost: [],
    invented: [],
    duplicates: 0,
    repeats: ledger.repeats,
    refused: Object.fromEntries(ledger.refused),
  }
  for (let n = 0; n < ledger.taken.length; n += 1) {
    const times = ledger.taken[n] ?? 0
    const rows = stored.get(n) ?? 0
    const isAcknowledged = ledger.isAcknowledged[n] === 1
    const of = sums.byKind[kindOf(n)]
    if (isAcknowledged) of.acknowledged += 1
    if (rows > 0) of.stored += 1
    if (times > 0) of.taken += 1
    of.duplicates += Math.max(0, times - 1)
    sums.duplicates += Math.max(0, times - 1)
    if (isAcknowledged && rows === 0) sums.notStored.push(n)
    if (rows > 1) sums.storedTwice.push(n)
    if (isAcknowledged && times === 0) sums.lost.push(n)
    if (times > 0 && n >= ledger.sent) sums.invented.push(n)
  }
  return sums
}
