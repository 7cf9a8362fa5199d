import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'

/** Something of the workspace, by what it is. */
export const SearchResult = z.object({ elementType: z.string(), element: z.unknown() }).meta({ id: 'SearchResult' })

export const search = {
  find: {
    method: 'GET',
    path: '/search',
    summary: 'Elements and customers whose name or key has these words',
    access: 'customer',
    query: z.object({
      q: z.string().min(1).max(200),
      elementType: z.string().optional(),
      limit: z.coerce.number().int().min(1).max(100).optional(),
      cursor: z.string().optional(),
    }),
    answer: z.object({ items: z.array(SearchResult), cursor: z.string().optional() }),
    refusals: ['invalid_input'],
  },
} as const satisfies EndpointTable
