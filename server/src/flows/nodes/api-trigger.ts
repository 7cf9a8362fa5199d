import { checkSchema } from '../../api/json-schema.ts'
import { type NodeType, passOn } from '../node-type.ts'

/** Fires when a run is started by the API; the node's `inputSchema` is enforced on the run's input. */
const apiTrigger: NodeType = {
  type: 'api-trigger',
  isTrigger: true,
  hasEffect: false,
  check(node) {
    if (node.inputSchema === undefined) return []
    try {
      checkSchema(node.inputSchema)
      return []
    } catch (error) {
      return [{ path: 'inputSchema', message: (error as Error).message }]
    }
  },
  prepare: () => passOn,
  wish: () => ({ kind: 'api' }),
}

export default apiTrigger
