import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { JsonSchema } from './shapes.ts'

/**
 * A kind of node that flows may have. `configSchema` describes `config` for people and forms: a JSON Schema with titles,
 * in which `format` says what a value stands for (`formula`, `condition`, `app-event-type-key`, `node-key`, `action-key`,
 * `time-zone`, `javascript`).
 */
export const FlowNodeType = z
  .object({
    type: z.string(),
    aliases: z.array(z.string()),
    title: z.string(),
    summary: z.string(),
    isTrigger: z.boolean(),
    hasEffect: z.boolean(),
    configSchema: JsonSchema,
  })
  .meta({ id: 'FlowNodeType' })

export const flowNodeTypes = {
  list: {
    method: 'GET',
    path: '/flow-node-types',
    summary: 'The kinds of nodes that flows may have, with what each is configured by',
    access: 'customer',
    needs: 'read',
    answer: z.object({ items: z.array(FlowNodeType) }),
    refusals: [],
  },
} as const satisfies EndpointTable
