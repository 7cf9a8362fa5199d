import type { SandboxLimits } from './call.ts'

const MIB = 1024 * 1024

/** What a call gets where it does not say otherwise. @source docs/decisions/0013-sandbox.md */
export const DEFAULT_LIMITS: SandboxLimits = {
  cpuMs: 250,
  wallMs: 15_000,
  waitMs: 30_000,
  memoryBytes: 32 * MIB,
  argsBytes: 12 * MIB,
  resultBytes: 10 * MIB,
  logBytes: 64 * 1024,
  hostCalls: 100,
}

/** What a source may have; what people write is far below. */
export const SOURCE_BYTES_MAX = MIB

/** Requests of one call that are open at the same time: under way, or answered and not yet taken by the function. */
export const OPEN_REQUESTS_MAX = 6

/**
 * What requests of all functions, and answers that they have not taken, may hold in the engine. An owner has a quarter
 * of it when it is alone, so that one call may receive six answers of 10 MB at the same time.
 */
export const REQUEST_BYTES_MAX = 256 * MIB

/** What all calls may keep of answers that were taken, to repeat the calls when their process is lost. */
export const KEPT_BYTES_MAX = 64 * MIB
