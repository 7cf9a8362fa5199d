import type { SandboxLimits } from './call.ts'

const MIB = 1024 * 1024

/** What a call gets where it does not say otherwise. @source docs/decisions/0013-sandbox.md */
export const DEFAULT_LIMITS: SandboxLimits = {
  cpuMs: 250,
  wallMs: 15_000,
  memoryBytes: 32 * MIB,
  argsBytes: 12 * MIB,
  resultBytes: 10 * MIB,
  logBytes: 64 * 1024,
  hostCalls: 100,
}

/** What a source may have; what people write is far below. */
export const SOURCE_BYTES_MAX = MIB
