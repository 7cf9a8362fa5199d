/**
 * How the engine and a child talk over their socket: frames of a small JSON head and opaque bytes. Payloads travel as
 * the bytes, so nobody re-encodes them. A child is not trusted: what it sends is bounded before it is kept.
 */
export interface Frame {
  head: unknown
  body: Buffer
}

/** Two unsigned 32-bit lengths, of the head and of the body. */
const PREFIX_BYTES = 8

/** Heads are small; what is larger was not written by us. */
const HEAD_BYTES_MAX = 4 * 1024 * 1024

/** Frames up to this size are copied into one buffer, larger bodies are written as they are. */
const COPIED_BYTES_MAX = 65_536

/** The buffers to write for a frame, in order. */
export function encodeFrame(head: unknown, bodies: readonly Uint8Array[] = []): Uint8Array[] {
  const headBytes = Buffer.from(JSON.stringify(head))
  const bodyBytes = bodies.reduce((sum, body) => sum + body.byteLength, 0)
  const prefix = Buffer.allocUnsafe(PREFIX_BYTES)
  prefix.writeUInt32LE(headBytes.byteLength, 0)
  prefix.writeUInt32LE(bodyBytes, 4)
  if (bodyBytes <= COPIED_BYTES_MAX) return [Buffer.concat([prefix, headBytes, ...bodies])]
  return [prefix, headBytes, ...bodies]
}

/** Cuts a stream of bytes into frames, however it was split on the way. */
export class FrameReader {
  readonly #bodyBytesMax: number
  #chunks: Buffer[] = []
  #bytes = 0

  constructor(bodyBytesMax: number) {
    this.#bodyBytesMax = bodyBytesMax
  }

  /** The frames that are complete with this chunk. Throws where the stream is none of ours; it is then of no more use. */
  read(chunk: Buffer): Frame[] {
    this.#chunks.push(chunk)
    this.#bytes += chunk.byteLength
    const frames: Frame[] = []
    for (;;) {
      const frame = this.#next()
      if (frame === null) return frames
      frames.push(frame)
    }
  }

  #next(): Frame | null {
    if (this.#bytes < PREFIX_BYTES) return null
    const first = this.#joined(PREFIX_BYTES)
    const headBytes = first.readUInt32LE(0)
    const bodyBytes = first.readUInt32LE(4)
    if (headBytes > HEAD_BYTES_MAX) throw new Error(`a frame's head of ${headBytes} bytes`)
    if (bodyBytes > this.#bodyBytesMax) throw new Error(`a frame's body of ${bodyBytes} bytes`)
    const total = PREFIX_BYTES + headBytes + bodyBytes
    if (this.#bytes < total) return null
    const whole = this.#joined(total)
    this.#drop(total)
    const head: unknown = JSON.parse(whole.toString('utf8', PREFIX_BYTES, PREFIX_BYTES + headBytes))
    return { head, body: whole.subarray(PREFIX_BYTES + headBytes, total) }
  }

  /** The first chunk, after so many bytes are in it. Chunks are joined only when a frame is complete or its prefix is split. */
  #joined(bytes: number): Buffer {
    const [first] = this.#chunks
    if (first !== undefined && first.byteLength >= bytes) return first
    const joined = Buffer.concat(this.#chunks)
    this.#chunks = [joined]
    return joined
  }

  #drop(bytes: number): void {
    const rest = this.#chunks[0]?.subarray(bytes)
    this.#chunks =
      rest === undefined || rest.byteLength === 0 ? this.#chunks.slice(1) : [rest, ...this.#chunks.slice(1)]
    this.#bytes -= bytes
  }
}
