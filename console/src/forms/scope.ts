/** What fields offer, of the place where the form is. */
export interface FormScope {
  /** Keys of nodes that can be named. */
  nodeKeys: readonly string[]
  /** Paths that formulas can begin with, such as `$.input.trigger`. */
  paths: readonly string[]
  /** What stood at some of the paths in the last real event, for people to read. */
  samples: ReadonlyMap<string, string>
}
