import type { Part } from './parts.ts'

/** Tasks, to be performed one after the other. Arguments that are large came in parts before. */
export interface Tasks {
  tasks: { id: number; module: string; args: unknown; isInParts?: true }[]
}

/** A part of what does not go in one go, and of which task it is: its arguments, or its value. */
export interface PartOf {
  id: number
  part: Part
}

/** What the engine sends a child. */
export type SaidToChild = Tasks | PartOf

/** What a child answers: results in order, some at a time; `isReady` once, when it can begin. */
export type SaidByChild = { isReady: true } | { results: TaskResult[] } | PartOf

/** `cpuMs`: processor time that it took. A value that is large came in parts before. */
export type TaskResult = { id: number; cpuMs: number } & (
  | { kind: 'returned'; value: unknown; isInParts?: true }
  | { kind: 'thrown'; name: string; message: string }
)
