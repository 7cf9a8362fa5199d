import type { RouteSet } from '../api/routes.ts'
import { type LaneRoutesOptions, laneRoutes } from './routes.ts'

/** The lanes of this process, for whoever asks why something does not begin. */
export interface LanesRoom {
  routes: readonly RouteSet[]
}

export function createLanesRoom(options: LaneRoutesOptions): LanesRoom {
  return { routes: [laneRoutes(options)] }
}
