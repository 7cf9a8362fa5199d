import type { FastifyInstance } from 'fastify'
import type { JobHandlers } from '../platform/queue.ts'
import type { RouteSet } from './routes.ts'

/** What a room gives to the engine, which puts the rooms together. What is absent, the room has not. */
export interface Room<Api> {
  /** What the rooms above use. */
  readonly api: Api
  readonly routes?: readonly RouteSet[]
  /** HTTP beside the contract: pages, the proxy, webhook URLs. */
  readonly mounts?: readonly ((app: FastifyInstance) => void)[]
  /** What it does for each task of the job queue that is its own. */
  readonly jobs?: JobHandlers
  /** What it tidies up every hour. */
  readonly chores?: readonly ((now: Date) => Promise<void>)[]
  /** Begins to work, in a process that has the role of a worker. Rooms start from the ground up. */
  start?(): Promise<void> | void
  /** Ends its work and resolves when nothing of it is under way. Rooms stop from the top down. */
  stop?(): Promise<void>
}
