import { type NodeType, passOn } from '../node-type.ts'

/** Fires when a run is started by the API; the node's `inputSchema` is enforced on the run's input. */
const apiTrigger: NodeType = {
  type: 'api-trigger',
  isTrigger: true,
  hasEffect: false,
  check: () => [],
  schema: ({ inputSchema }) =>
    inputSchema === undefined || inputSchema === null ? null : { path: 'inputSchema', schema: inputSchema },
  prepare: () => passOn,
  wish: () => ({ kind: 'api' }),
}

export default apiTrigger
