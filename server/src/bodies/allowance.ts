/**
 * Memory that somebody shares out among those who receive. Who sends a request with one has every byte of the answer
 * asked for before it is kept, as it comes over the wire and as it is decoded. An answer keeps what it took: whoever
 * gave the allowance gives that back when the answer is no longer held. What comes to nothing gives back by itself.
 */
export interface Allowance {
  /** Whether so many more bytes may be held; if so, they count from now on. */
  take(bytes: number): boolean
  /** So many of them are held no longer. */
  give(bytes: number): void
}
