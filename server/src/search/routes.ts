import { contract, search as table } from '@permea/contract'
import type { z } from 'zod'
import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import { type CallOf, type RouteSet, routeSet } from '../api/routes.ts'

/** Where elements of each type are listed, as the published client names the types; searched in this order. */
const LISTS = {
  integration: contract.integrations,
  connector: contract.connectors,
  connection: contract.connections,
  customer: contract.customers,
  flow: contract.flows,
  'flow-instance': contract.flowInstances,
  action: contract.actions,
  'action-instance': contract.actionInstances,
  'app-event-type': contract.appEventTypes,
  'external-event-type': contract.externalEventTypes,
  'data-source': contract.dataSources,
  'data-source-instance': contract.dataSourceInstances,
  'field-mapping': contract.fieldMappings,
  'field-mapping-instance': contract.fieldMappingInstances,
  'app-data-schema': contract.appDataSchemas,
  'data-link-table': contract.dataLinkTables,
} as const

const LIMIT = 25

interface Listed {
  items: unknown[]
  cursor?: string
}

/**
 * Looks through the lists of the API one after the other, as the token may see them. The cursor says in which of them it
 * stands, and where there.
 */
export function searchRoutes(routes: readonly RouteSet[]): RouteSet {
  const lists = Object.entries(LISTS).map(([elementType, of]) => {
    const set = routes.find((each) => each.table === of)
    return { elementType, isForAdmins: of.list.access === ('admin' as string), list: set?.handlers.list }
  })

  async function page(
    principal: Principal,
    at: (typeof lists)[number],
    query: Record<string, unknown>,
  ): Promise<Listed> {
    if (at.list === undefined || (at.isForAdmins && !principal.isAdmin)) return { items: [] }
    return (await at.list({ principal, params: {}, query, body: undefined })) as Listed
  }

  async function find({
    principal,
    query,
  }: CallOf<(typeof table)['find']>): Promise<z.input<typeof table.find.answer>> {
    const limit = query.limit ?? LIMIT
    const wanted =
      query.elementType === undefined ? lists : lists.filter((each) => each.elementType === query.elementType)
    const [typeOfCursor, ...rest] = (query.cursor ?? '0').split(' ')
    const from =
      query.cursor === undefined || query.cursor === '0'
        ? 0
        : wanted.findIndex((each) => each.elementType === typeOfCursor)
    if (from < 0) {
      const problems = [{ field: 'cursor', message: 'unknown cursor' }]
      throw new Refusal('invalid_input', 'cursor is not one that this search gave', { problems })
    }
    const items: { elementType: string; element: unknown }[] = []
    let cursor: string | undefined = rest.length === 0 ? undefined : rest.join(' ')
    for (const [index, at] of wanted.slice(from).entries()) {
      const found = await page(principal, at, {
        search: query.q,
        limit: limit - items.length,
        ...(cursor === undefined ? {} : { cursor }),
      })
      items.push(...found.items.map((element) => ({ elementType: at.elementType, element })))
      cursor = undefined
      if (items.length < limit) continue
      const next = wanted[from + index + 1]
      const following = found.cursor === undefined ? next?.elementType : `${at.elementType} ${found.cursor}`
      return { items, ...(following === undefined ? {} : { cursor: following }) }
    }
    return { items }
  }

  return routeSet(table, {
    find,
    async findAlike({ principal, query }) {
      const { items } = await find({ principal, params: {}, query, body: undefined })
      return { items }
    },
  })
}
