// Installs one flow (a tab): an HTTP endpoint of Node-RED, a request that hands on what comes in, an answer. The ids follow
// from the address, and a tab of ours that is there already is replaced.
import { createHash, randomBytes } from 'node:crypto'

const idOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16)

export default async ({ apiClient, webhookUri, parameters }) => {
  const label = `events ${idOf(webhookUri)}`
  const secret = randomBytes(24).toString('base64url')
  const ids = Object.fromEntries(['in', 'make', 'send', 'answer'].map((name) => [name, idOf(`${webhookUri} ${name}`)]))
  const flow = {
    label,
    nodes: [
      {
        id: ids.in,
        type: 'http in',
        url: parameters.path,
        method: 'post',
        upload: false,
        wires: [[ids.make, ids.answer]],
      },
      {
        id: ids.make,
        type: 'function',
        func: `return { url: ${JSON.stringify(webhookUri)}, method: 'POST', payload: msg.payload,\n  headers: { 'content-type': 'application/json', authorization: ${JSON.stringify(`Bearer ${secret}`)} } }`,
        outputs: 1,
        wires: [[ids.send]],
      },
      { id: ids.send, type: 'http request', method: 'use', ret: 'txt', paytoqs: 'ignore', url: '', wires: [[]] },
      { id: ids.answer, type: 'http response', statusCode: '202', headers: {}, wires: [] },
    ],
    configs: [],
  }
  const { flows } = await apiClient.get('/flows', {}, { headers: { 'Node-RED-API-Version': 'v2' } })
  const mine = flows.find((node) => node.type === 'tab' && node.label === label)
  if (mine) await apiClient.delete(`/flow/${mine.id}`)
  const { id } = await apiClient.post('/flow', flow)
  return { state: { id, secret } }
}
