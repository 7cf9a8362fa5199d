import { checkHttpRequest, prepareHttpRequest } from '../http-node.ts'
import type { NodeType } from '../node-type.ts'

/**
 * Sends `config.request` to your application: a relative `uri` goes to the workspace's `appBaseUri`, and requests
 * there carry a token that your application can verify with the workspace secret.
 */
const apiRequestToYourApp: NodeType = {
  type: 'api-request-to-your-app',
  aliases: ['http-request'],
  isTrigger: false,
  hasEffect: true,
  check: checkHttpRequest,
  prepare: (node) => prepareHttpRequest(node, { mayBeRelative: true }),
}

export default apiRequestToYourApp
