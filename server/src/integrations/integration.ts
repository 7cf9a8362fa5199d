import type { Integration as WireIntegration } from '@permea/contract'
import type { z } from 'zod'
import { toWire } from '../platform/ids.ts'

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
  parameters: Record<string, unknown> | null
  revision: string
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

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
    parameters: integration.parameters ?? undefined,
    state: 'READY',
    revision: integration.revision,
    createdAt: integration.createdAt.toISOString(),
    updatedAt: integration.updatedAt.toISOString(),
    archivedAt: integration.archivedAt?.toISOString(),
  }
}
