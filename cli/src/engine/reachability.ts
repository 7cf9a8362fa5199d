import { lookup } from 'node:dns/promises'
import { type AllowRule, refusalOf } from '../../../server/src/outbound/address-policy.ts'
import type { Finding } from './doctor.ts'

/** Whether the engine may call the application of a workspace: by its name and the address policy; nothing is sent. */
export async function reachabilityOf(
  workspaceKey: string,
  appBaseUri: string,
  rules: readonly AllowRule[],
): Promise<Finding> {
  const check = 'your app'
  const { hostname, protocol, port } = new URL(appBaseUri)
  const portNumber = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const host = hostname.replace(/^\[|\]$/g, '')
  const found = await lookup(host, { all: true }).catch((error: NodeJS.ErrnoException) => error)
  const about = `workspace ${workspaceKey}: ${appBaseUri}`
  if (found instanceof Error)
    return {
      check,
      state: 'warning',
      says: `${about} has no address (${found.code})`,
      remedy: 'correct the base address of your application (PATCH /workspaces/…, appBaseUri)',
    }
  const refusals = found.map(({ address }) => refusalOf(address, portNumber, rules))
  const [refusal] = refusals
  if (refusals.includes(null) || refusal === undefined || refusal === null)
    return { check, state: 'good', says: `${about} may be called` }
  const [first] = found
  return {
    check,
    state: 'warning',
    says: `${about} may not be called: ${refusal}`,
    remedy: `PERMEA_EGRESS_ALLOW=${first?.address ?? ''}/${first?.family === 6 ? 128 : 32}:${portNumber} opens it`,
  }
}
