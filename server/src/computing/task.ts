/** What users wrote, to be evaluated apart from the engine. */
export interface Task {
  /** The module that does it, as a URL; its default export is called with `args`. */
  module: string
  /** What it is given: plain data. */
  args: unknown
  /** Whose it is: owners are served in turn, and those that take long are kept apart. */
  owner: string
  /** Processor time that it may take, in milliseconds; `COMPUTE_MS` where absent. */
  budgetMs?: number
}

export type TaskOutcome =
  | { kind: 'returned'; value: unknown }
  | { kind: 'thrown'; name: string; message: string }
  /** It took too long, or more memory than there is; or too much waits already. */
  | { kind: 'stopped'; reason: 'time' | 'memory' | 'overloaded' }

/** Who is not named. */
export const ANYONE = 'anyone'
