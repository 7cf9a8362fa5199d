import { webhookVendors as table } from '@permea/contract'
import { type RouteSet, routeSet } from '../api/routes.ts'
import { webhookVendorCatalogue } from './catalogue.ts'

/** The catalogue that people choose from when they write a function. */
export function webhookVendorRoutes(connectorKeys: readonly string[]): RouteSet {
  const items = webhookVendorCatalogue(connectorKeys)
  return routeSet(table, { list: async () => ({ items }) })
}
