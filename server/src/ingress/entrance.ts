import type { FastifyRequest } from 'fastify'
import { Refusal } from '../api/refusal.ts'
import type { Quotas } from '../workspaces/quotas.ts'
import type { Rates } from '../workspaces/rates.ts'
import type { Door } from './door.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Lets a request in to the address that it names: refuses with `not_found` where there is none, and with
 * `rate_limit_exceeded` what comes faster than the workspace wants it. `customerOf` says whose the request is where the
 * address does not.
 */
export async function enterBy(
  request: FastifyRequest,
  way: { uuid: string; door: Door; rates: Rates; quotas: Pick<Quotas, 'admit'> },
  customerOf?: () => Promise<string | null>,
): Promise<void> {
  const uuid = way.uuid.toLowerCase()
  const owner = UUID.test(uuid) ? await way.door(uuid) : null
  if (owner === null) throw new Refusal('not_found', 'there is no webhook at this address')
  const { workspaceId } = owner
  request.sender.workspaceId = workspaceId
  request.sender.owner = uuid
  request.sender.elementId = owner.elementId
  request.sender.customerId = owner.customerId
  const ofAddress = { name: 'webhooksPerAddress', of: uuid } as const
  // Most are let in at once: only what has to be looked up is waited for.
  const admitted = way.rates.admit(workspaceId, [ofAddress])
  if (admitted !== undefined) await admitted
  const isWithinQuotas = way.quotas.admit(workspaceId)
  if (isWithinQuotas !== undefined) await isWithinQuotas
  const customerId = owner.customerId ?? (await customerOf?.()) ?? null
  if (customerId === null) return
  request.sender.owner = customerId
  request.sender.customerId = customerId
  try {
    await way.rates.admit(workspaceId, [{ name: 'webhooksPerCustomer', of: customerId }])
  } catch (error) {
    // Others send to this address too: what is refused of one must take nothing from them.
    way.rates.giveBack(ofAddress)
    throw error
  }
}
