import type { Principal } from '../api/principal.ts'
import { Refusal } from '../api/refusal.ts'
import type { ConnectedApp } from './apps.ts'

/**
 * Refuses what a customer's token must not say of a connection. Parameters over those of an integration decide where
 * the operator's secrets are sent. Credentials that came neither from the app nor from the connector's own function may
 * name an account that is somebody else's, which global webhooks and platform keys then serve.
 */
export function refuseBeyondCustomer(
  principal: Principal,
  app: Pick<ConnectedApp, 'integration' | 'option'>,
  given: { connectorParameters?: unknown; credentials?: unknown },
): void {
  if (principal.isAdmin) return
  const { integration, option } = app
  if (integration !== null && isGiven(given.connectorParameters))
    throw refusal('connectorParameters', 'the parameters of an integration are its operator’s: use an admin token')
  if (isGiven(given.credentials) && (usesConsent(option) || option.getCredentialsFromConnectionParameters))
    throw refusal('credentials', 'this way to connect makes its credentials itself: give input, or use an admin token')
}

/** Whether a person has to consent at the app, which then gives the credentials. */
export function usesConsent({ type }: { type: string }): boolean {
  return type === 'oauth2' || type === 'oauth1'
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null
}

function refusal(field: string, message: string): Refusal {
  return new Refusal('access_denied', `${field}: ${message}`, { problems: [{ field, message }] })
}
