import type { RouteSet } from '../api/routes.ts'
import { createFeeder, type Feeder, type FeederOptions } from './feeder.ts'
import { type SourceRoutesOptions, sourceRoutes } from './routes.ts'

/** Events of your application that are read from brokers. */
export interface BrokerSourcesRoom extends Feeder {
  routes: readonly RouteSet[]
}

export function createBrokerSourcesRoom(options: FeederOptions & SourceRoutesOptions): BrokerSourcesRoom {
  return { ...createFeeder(options), routes: [sourceRoutes(options)] }
}
