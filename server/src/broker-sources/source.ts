import type { BrokerSource as WireBrokerSource } from '@permea/contract'
import type { z } from 'zod'
import type { Element } from '../api/elements.ts'
import { toWire } from '../platform/ids.ts'

/** What is read from a broker, as events of one type. */
export interface BrokerSource extends Element {
  workspaceId: string
  appEventTypeId: string
  /** Without user and password. */
  url: string
  /** An `authorization` header; null for none. */
  loginSealed: string | null
  customerHeader: string | null
  idHeader: string | null
  pausedAt: Date | null
}

/** How a source goes for the process that reads it. */
export type ReadState = 'connecting' | 'reading' | 'held' | 'failing'

/** How it goes, as it was last said. */
export interface SourceState {
  state: ReadState
  seenAt: Date
  connectedAt: Date | null
  error: string | null
  errorAt: Date | null
  lastMessageAt: Date | null
  lag: number | null
  accepted: number
  refused: number
}

/** What was said of a source is believed for so long: whoever reads it says it again every few seconds. */
export const SOURCE_BELIEVED_MS = 30_000

/** A source as it is shown. */
export function sourceAnswer(
  source: BrokerSource,
  known: SourceState | null,
  now: Date,
): z.input<typeof WireBrokerSource> {
  const isOn = source.archivedAt === null && source.pausedAt === null
  const isKnown = known !== null && now.getTime() - known.seenAt.getTime() < SOURCE_BELIEVED_MS
  const state = isOn ? (isKnown ? known.state : 'waiting') : source.archivedAt === null ? 'paused' : 'archived'
  return {
    id: toWire('bsr', source.id),
    uuid: source.uuid,
    key: source.key,
    name: source.name,
    description: source.description ?? undefined,
    meta: source.meta ?? undefined,
    revision: source.revision,
    appEventTypeId: toWire('aet', source.appEventTypeId),
    url: source.url,
    hasLogin: source.loginSealed !== null,
    customerHeader: source.customerHeader ?? undefined,
    idHeader: source.idHeader ?? undefined,
    state,
    error: known?.error ?? undefined,
    errorAt: known?.errorAt?.toISOString(),
    connectedAt: isOn && isKnown ? known.connectedAt?.toISOString() : undefined,
    lastMessageAt: known?.lastMessageAt?.toISOString(),
    lag: isOn && isKnown ? (known.lag ?? undefined) : undefined,
    accepted: known?.accepted ?? 0,
    refused: known?.refused ?? 0,
    createdAt: source.createdAt.toISOString(),
    updatedAt: source.updatedAt.toISOString(),
    archivedAt: source.archivedAt?.toISOString(),
  }
}
