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
  const held = new Map<string, number>()
  const readings = new Set<Reading>()
  let heldBytes = 0
  let timer: NodeJS.Timeout | null = null

  function slotsOf({ address, owner, workspaceId }: Sender): string[] {
    return [
      `address ${address}`,
      ...(owner === null ? [] : [`owner ${owner}`]),
      ...(workspaceId === null ? [] : [`workspace ${workspaceId}`]),
    ]
  }

  /** Counts `bytes` more for a body that has `ownBytes` already; false where there is no room for them. */
  function take(slots: readonly string[], ownBytes: number, bytes: number): boolean {
    const isSmall = ownBytes + bytes <= limits.smallBytes
    if (heldBytes + bytes > limits.bytesMax) return false
    if (!isSmall) {
      if (heldBytes + bytes > limits.bytesMax - limits.reserveBytes) return false
      for (const slot of slots) {
        const share = slot.startsWith('workspace ') ? limits.shareOfWorkspace : limits.shareOfOne
        if ((held.get(slot) ?? 0) + bytes > limits.bytesMax * share) return false
      }
    }
    heldBytes += bytes
    for (const slot of slots) held.set(slot, (held.get(slot) ?? 0) + bytes)
    return true
  }

  function release(slots: readonly string[], bytes: number): void {
    heldBytes -= bytes
    for (const slot of slots) {
      const left = (held.get(slot) ?? 0) - bytes
      if (left > 0) held.set(slot, left)
      else held.delete(slot)
    }
  }

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
    read(body, { sender, contentLength, until, bytesMax = BODY_BYTES_MAX }) {
      const said = contentLength === undefined ? 0 : Number(contentLength)
      if (said > bytesMax) return Promise.reject(tooLarge(bytesMax))
      return new Promise((resolve, reject) => {
        const slots = slotsOf(sender)
        const chunks: Buffer[] = []
        let bytes = 0
        const startedAtMs = performance.now()
        const reading: Reading = { startedAtMs, heardAtMs: startedAtMs, giveUp: (problem) => end(problem) }
        until.once('close', () => {
          if (readings.has(reading)) end(new BodyProblem('request_timeout', 'the connection was closed'))
          release(slots, bytes)
          bytes = 0
        })
        const heard = (chunk: Buffer) => {
          reading.heardAtMs = performance.now()
          if (bytes + chunk.length > bytesMax) return end(tooLarge(bytesMax))
          if (!take(slots, bytes, chunk.length)) return end(full())
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
          release(slots, bytes)
          bytes = 0
          chunks.length = 0
          reject(problem)
        }
        watch(reading)
        body.on('data', heard).on('end', ended).on('error', failed)
      })
    },
    get heldBytes() {
      return heldBytes
    },
    get reading() {
      return readings.size
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
