import { checkHttpRequest, prepareHttpRequest } from '../http-node.ts'
import type { NodeType } from '../node-type.ts'

/** Sends `config.request` to any public address. */
const customHttpRequest: NodeType = {
  type: 'custom-http-request',
  aliases: ['api-request'],
  isTrigger: false,
  hasEffect: true,
  check: checkHttpRequest,
  prepare: (node) => prepareHttpRequest(node, { mayBeRelative: false }),
}

export default customHttpRequest
