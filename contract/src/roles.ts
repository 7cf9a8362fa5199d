import { z } from 'zod'

/** What a person or an API key may do in a workspace; each may what those after it may. */
export const Role = z.enum(['owner', 'developer', 'support', 'reader']).meta({ id: 'Role' })
export type Role = z.output<typeof Role>
