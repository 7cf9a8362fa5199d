/** What one run may use up. */
export interface Limits {
  /** Longest time at work in one stretch, in milliseconds. */
  activeMsMax: number
  /** Most node runs in one run. */
  nodeRunsMax: number
  /** Longest output of one node run, in characters of JSON. */
  outputCharsMax: number
}

export const LIMITS: Limits = { activeMsMax: 3_000_000, nodeRunsMax: 100_000, outputCharsMax: 20_000_000 }
