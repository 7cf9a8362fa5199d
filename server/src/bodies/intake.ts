import type { Readable } from 'node:stream'
import { BodyProblem } from './body-problem.ts'
import { BODY_BYTES_MAX, INTAKE_LIMITS, type IntakeLimits } from './limits.ts'

/** Who has sent a body, as far as it is known before the body is read. */
export interface Sender {
  /** The address that the request came from. */
  address: string
  /** The customer or the webhook address that it is for. */
  owner: string | null
  workspaceId: string | null
}

/** Reads bodies within one budget of bytes that is shared by all requests in hand. */
export interface Intake {
  /**
   * Reads a body to its end. The bytes stay counted until `until` is closed: the answer, so that what waits to be stored
   * counts, too. Rejects with a `BodyProblem`.
   */
  read(body: Readable, from: ReadFrom): Promise<Buffer>
  /** Bytes in hand now. */
  readonly heldBytes: number
  /** Bodies that are being read now. */
  readonly reading: number
}

export interface ReadFrom {
  sender: Sender
  /** As the head says it; undefined where it does not. */
  contentLength: string | undefined
  /** The answer to the request. */
  until: { once(event: 'close', listener: () => void): unknown; readonly closed?: boolean }
  bytesMax?: number
}

const CHECK_MS = 500

/** A body that is read: what it holds of the budget, and since when nothing came. */
interface Reading {
  startedAtMs: number
  heardAtMs: number
  giveUp(problem: BodyProblem): void
}

export function createIntake(given: Partial<IntakeLimits> = {}): Intake {
  const limits = { ...INTAKE_LIMITS, ...given }
  const held = createHoldings(limits)
  const readings = new Set<Reading>()
  let timer: NodeJS.Timeout | null = null

  function watch(reading: Reading): void {
    readings.add(reading)
    timer ??= setInterval(look, CHECK_MS).unref()
  }

  function look(): void {
    const nowMs = performance.now()
    for (const reading of readings) {
      const isSilent = nowMs - reading.heardAtMs > limits.silenceMsMax
      if (isSilent || nowMs - reading.startedAtMs > limits.bodyMsMax)
        reading.giveUp(
          new BodyProblem('request_timeout', isSilent ? 'the body stopped coming' : 'the body took too long'),
        )
    }
    if (readings.size > 0 || timer === null) return
    clearInterval(timer)
    timer = null
  }

  return {
    read(body, { sender: { address, owner, workspaceId }, contentLength, until, bytesMax = BODY_BYTES_MAX }) {
      const said = contentLength === undefined ? 0 : Number(contentLength)
      if (said > bytesMax) return Promise.reject(tooLarge(bytesMax))
      return new Promise((resolve, reject) => {
        // Whose it is may become known while it is read; it is given back as it was taken.
        const sender = { address, owner, workspaceId }
        const chunks: Buffer[] = []
        let bytes = 0
        const startedAtMs = performance.now()
        const reading: Reading = { startedAtMs, heardAtMs: startedAtMs, giveUp: (problem) => end(problem) }
        until.once('close', () => {
          if (readings.has(reading)) end(new BodyProblem('request_timeout', 'the connection was closed'))
          held.release(sender, bytes)
          bytes = 0
        })
        const heard = (chunk: Buffer) => {
          reading.heardAtMs = performance.now()
          if (bytes + chunk.length > bytesMax) return end(tooLarge(bytesMax))
          if (!held.take(sender, bytes, chunk.length)) return end(full())
          bytes += chunk.length
          chunks.push(chunk)
        }
        const ended = () => end(null)
        const failed = () => end(new BodyProblem('malformed_body', 'the body broke off'))
        const end = (problem: BodyProblem | null) => {
          readings.delete(reading)
          body.off('data', heard).off('end', ended)
          if (problem === null)
            return resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, bytes))
          // What comes after is read over, so that the sender gets to the answer; the server closes the connection.
          body.resume()
          held.release(sender, bytes)
          bytes = 0
          chunks.length = 0
          reject(problem)
        }
        watch(reading)
        body.on('data', heard).on('end', ended).on('error', failed)
      })
    },
    get heldBytes() {
      return held.bytes
    },
    get reading() {
      return readings.size
    },
  }
}

/** The bytes of bodies in hand, and of what is not small how much each sender, owner and workspace has. */
function createHoldings(limits: IntakeLimits) {
  const held = new Map<string, number>()
  let bytesHeld = 0

  function slotsOf({ address, owner, workspaceId }: Sender): string[] {
    return [
      `address ${address}`,
      ...(owner === null ? [] : [`owner ${owner}`]),
      ...(workspaceId === null ? [] : [`workspace ${workspaceId}`]),
    ]
  }

  /**
   * Counts `bytes` more for a body that has `ownBytes` already; false where there is no room for them. Only what is no
   * longer small counts in anybody's share: that is where it is asked for, and most bodies are spared the counting.
   */
  function take(sender: Sender, ownBytes: number, bytes: number): boolean {
    if (bytesHeld + bytes > limits.bytesMax) return false
    const shared = sharedBytes(ownBytes + bytes) - sharedBytes(ownBytes)
    if (shared > 0) {
      if (bytesHeld + bytes > limits.bytesMax - limits.reserveBytes) return false
      const slots = slotsOf(sender)
      for (const slot of slots) {
        const share = slot.startsWith('workspace ') ? limits.shareOfWorkspace : limits.shareOfOne
        if ((held.get(slot) ?? 0) + shared > limits.bytesMax * share) return false
      }
      for (const slot of slots) held.set(slot, (held.get(slot) ?? 0) + shared)
    }
    bytesHeld += bytes
    return true
  }

  /** How much of a body counts in shares. */
  const sharedBytes = (bytes: number) => (bytes <= limits.smallBytes ? 0 : bytes)

  function release(sender: Sender, bytes: number): void {
    bytesHeld -= bytes
    const shared = sharedBytes(bytes)
    if (shared === 0) return
    for (const slot of slotsOf(sender)) {
      const left = (held.get(slot) ?? 0) - shared
      if (left > 0) held.set(slot, left)
      else held.delete(slot)
    }
  }

  return {
    take,
    release,
    get bytes() {
      return bytesHeld
    },
  }
}

function tooLarge(bytesMax: number): BodyProblem {
  return new BodyProblem('payload_too_large', `the body is larger than ${sizeOf(bytesMax)}`)
}

function sizeOf(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${Math.floor(bytes / 1024 / 1024)} MB` : `${Math.floor(bytes / 1024)} KB`
}

function full(): BodyProblem {
  return new BodyProblem('overloaded', 'more is coming in than can be held; nothing was stored, try again')
}
