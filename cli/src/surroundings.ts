/** What a command finds around it; tests hand in their own. */
export interface Surroundings {
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  stdout: Output
  stderr: Output
  /** Whether this Node can run the engine; absent where it can. */
  isEngineNode?: boolean
  /** Aborted when the person wants the command to end: for commands that go on until then. */
  untilStopped(): AbortSignal
}

interface Output {
  write(text: string): unknown
  isTTY?: boolean
  columns?: number
  /** Streams tell when there is room again. */
  once?(event: 'drain', then: () => void): unknown
}
