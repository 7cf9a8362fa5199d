import type { Socket } from 'node:net'

/** Where an answer begins that says only that the request may go on. */
const CONTINUE = /^HTTP\/1\.[01] 100[ \r]/
const STARTS = ['HTTP/1.1 100 ', 'HTTP/1.0 100 ']
const END = '\r\n\r\n'
const BYTES_MAX = 16 * 1024

/**
 * Takes every `100 Continue` out of what a socket receives before an answer, since undici breaks off an answer that begins
 * with one that nobody asked for. Other interim answers it skips itself. Gives what has to be called before each
 * request.
 *
 * @source RFC 9110 section 15.2: a client must be able to parse interim answers, even if it does not expect one
 */
export function skippingContinue(socket: Socket): () => void {
  let isBefore = true
  let held: Buffer | null = null
  const push = socket.push.bind(socket)
  socket.push = (chunk: unknown, encoding?: BufferEncoding) => {
    if (!Buffer.isBuffer(chunk)) {
      // The end: what was held was no whole answer.
      if (held !== null) push(held)
      held = null
      return push(chunk, encoding)
    }
    if (!isBefore) return push(chunk, encoding)
    const rest = withoutContinues(held === null ? chunk : Buffer.concat([held, chunk]))
    held = rest.isOpen ? rest.bytes : null
    if (rest.isOpen || rest.bytes.length === 0) return true
    isBefore = false
    return push(rest.bytes)
  }
  return () => {
    isBefore = true
  }
}

/** What follows the interim answers; `isOpen` where it may still be one. */
function withoutContinues(received: Buffer): { bytes: Buffer; isOpen: boolean } {
  let bytes = received
  while (bytes.length > 0) {
    const start = bytes.toString('latin1', 0, 13)
    if (start.length < 13 && STARTS.some((each) => each.startsWith(start))) return { bytes, isOpen: true }
    if (!CONTINUE.test(start)) break
    const end = bytes.indexOf(END)
    if (end < 0) return { bytes, isOpen: bytes.length < BYTES_MAX }
    bytes = bytes.subarray(end + END.length)
  }
  return { bytes, isOpen: false }
}
