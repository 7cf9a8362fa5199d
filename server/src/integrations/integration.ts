import type { Integration as WireIntegration } from '@permea/contract'
import type { z } from 'zod'
import { toWire } from '../platform/ids.ts'
import type { Sealing } from '../platform/sealing.ts'

/** An external app that the workspace offers to its customers. */
export interface Integration {
  id: string
  workspaceId: string
  uuid: string
  key: string
  name: string
  description: string | null
  logoUri: string | null
  meta: Record<string, unknown> | null
  /** Null where it is only a name yet. */
  connectorId: string | null
  oAuthCallbackUri: string | null
  /** Which ways to connect are not offered. */
  optionsConfig: Record<string, { disabled?: boolean | undefined }> | null
  /** What the operator gave, as `Parameters` in JSON; null for nothing. */
  parametersSealed: string | null
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

/** What an operator gave for an integration's connector. May be secret, all of it. */
export interface Parameters {
  /** For every way to connect; null where none were ever given. */
  shared: Record<string, unknown> | null
  /** For one way to connect, over those for all. */
  byOption: Record<string, Record<string, unknown>>
}

export function openParameters(
  sealing: Sealing,
  { parametersSealed }: Pick<Integration, 'parametersSealed'>,
): Parameters {
  if (parametersSealed === null) return { shared: null, byOption: {} }
  return JSON.parse(sealing.open(parametersSealed)) as Parameters
}

export function sealParameters(sealing: Sealing, parameters: Parameters): string | null {
  const isEmpty = parameters.shared === null && Object.keys(parameters.byOption).length === 0
  return isEmpty ? null : sealing.seal(JSON.stringify(parameters))
}

/** Parameters as functions of one way to connect see them; null for those of all together. */
export function parametersForOption(
  { shared, byOption }: Parameters,
  optionKey: string | null,
): Record<string, unknown> {
  if (optionKey === null) return Object.assign({}, ...Object.values(byOption), shared) as Record<string, unknown>
  return { ...shared, ...byOption[optionKey] }
}

/** What everybody may see of an integration, without what follows from its connector. */
export function integrationAnswer(integration: Integration): z.input<typeof WireIntegration> {
  return {
    id: toWire('int', integration.id),
    uuid: integration.uuid,
    key: integration.key,
    name: integration.name,
    description: integration.description ?? undefined,
    // The published client counts on a text.
    logoUri: integration.logoUri ?? '',
    meta: integration.meta ?? undefined,
    connectorId: integration.connectorId === null ? undefined : toWire('cnr', integration.connectorId),
    state: 'READY',
    revision: integration.revision,
    createdAt: integration.createdAt.toISOString(),
    updatedAt: integration.updatedAt.toISOString(),
    archivedAt: integration.archivedAt?.toISOString(),
  }
}
