export interface Limit {
  what: string
  /** A constant of a file (`file NAME unit`), from which the figure is read; or words. */
  value: string
  /** What an operator or a workspace can set; absent where it is fixed. */
  set?: string
  /** What the caller sees. */
  beyond: string
  /** Tests that hold it: `file: words of the test's name`. */
  heldBy: readonly string[]
}

export interface Section {
  title: string
  about: string
  limits: readonly Limit[]
}
