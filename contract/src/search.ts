import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'

/** Something of the workspace, by what it is. */
export const SearchResult = z.object({ elementType: z.string(), element: z.unknown() }).meta({ id: 'SearchResult' })

const words = { q: z.string().min(1).max(200), elementType: z.string().optional() }
const limit = z.coerce.number().int().min(1).max(100).optional()

export const search = {
  find: {
    method: 'GET',
    path: '/search',
    summary: 'Elements and customers whose name or key has these words',
    access: 'customer',
    needs: 'read',
    query: z.object({ ...words, limit, cursor: z.string().optional() }),
    answer: z.object({ items: z.array(SearchResult), cursor: z.string().optional() }),
    refusals: ['invalid_input'],
  },
  findAlike: {
    method: 'GET',
    path: '/semantic-search',
    summary: 'The first of what a search finds, as the published client asks for it',
    access: 'customer',
    needs: 'read',
    query: z.object({ ...words, limit }),
    answer: z.object({ items: z.array(SearchResult) }),
    refusals: [],
  },
} as const satisfies EndpointTable
