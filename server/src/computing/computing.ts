import { createHash } from 'node:crypto'
import { beforehand, isInTransaction } from '../platform/beforehand.ts'
import { ComputingPool } from './pool.ts'
import type { Task, TaskOutcome } from './task.ts'

let pool: ComputingPool | null = null

/**
 * Performs a task in a process apart, which is killed where the task does not end in time. One pool serves the whole
 * process: it is started by the first task, and ends by itself when there is nothing to do.
 *
 * @source docs/decisions/0020-computing-apart.md
 */
export function compute(task: Task): Promise<TaskOutcome> {
  return isInTransaction() ? beforehand(keyOf(task), () => perform(task)) : perform(task)
}

function perform(task: Task): Promise<TaskOutcome> {
  pool ??= new ComputingPool()
  return pool.perform(task)
}

function keyOf(task: Task): string {
  return createHash('sha256').update(JSON.stringify(task)).digest('base64')
}

/** For metrics and tests. */
export function computingStatus(): { children: number; waiting: number; kills: number } {
  return pool?.status() ?? { children: 0, waiting: 0, kills: 0 }
}
