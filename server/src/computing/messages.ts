/** What the engine sends a child: tasks, to be performed one after the other. */
export interface TasksForChild {
  tasks: { id: number; module: string; args: unknown }[]
}

/** What a child answers: results in order, some at a time; `isReady` once, when it can begin. */
export type SaidByChild = { isReady: true } | { results: TaskResult[] }

/** `cpuMs`: processor time that it took. */
export type TaskResult = { id: number; cpuMs: number } & (
  | { kind: 'returned'; value: unknown }
  | { kind: 'thrown'; name: string; message: string }
)
