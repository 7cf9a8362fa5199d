import type { Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  constants as zlib,
} from 'node:zlib'
import type { Allowance } from './allowance.ts'

/** An answer may be encoded more than once, in turn; more than this is an attack rather than an answer. */
const CODINGS_MAX = 3

/** A body as it is after decoding. */
export type Decoded = { body: Buffer; isTruncated: boolean }

/**
 * Undoes `content-encoding` (gzip, deflate, br, zstd), giving at most `bytesMax` bytes; decoding stops there, so that a
 * small answer cannot unfold into a large one. With `mayBeCut` a body that was cut gives what could be decoded of it; else
 * its end must be there, since half a value is another value. What decoding
 * makes is asked for at `allowance`, and only the result keeps what it took.
 *
 * @param contentEncoding the header's value: codings in the order in which they were applied
 * @returns null where the data are damaged or there are too many codings: then the body is best left as it came; `over`
 *   where the allowance is used up. What is no coding that is known is passed over, see `unknownCodings`
 * @source RFC 9110 "Content-Encoding"
 */
export async function decodeBody(
  body: Buffer,
  contentEncoding: string,
  limits: { bytesMax: number; allowance?: Allowance | null; mayBeCut?: boolean },
): Promise<Decoded | 'over' | null> {
  const { bytesMax, allowance = null, mayBeCut = false } = limits
  const codings = contentEncoding.toLowerCase().split(',', CODINGS_MAX + 1)
  if (codings.length > CODINGS_MAX) return null
  let decoded = body
  let isTruncated = false
  for (const coding of codings.reverse()) {
    const decoder = decoderFor(coding.trim(), decoded, mayBeCut)
    if (decoder === 'identity') continue
    const step = await runBounded(decoder, decoded, { bytesMax, allowance })
    // What the step before made is of no use any more, whatever this one came to.
    if (decoded !== body) allowance?.give(decoded.length)
    if (step === null || step === 'over') return step
    decoded = step.body
    isTruncated ||= step.isTruncated
  }
  return { body: decoded, isTruncated }
}

const KNOWN = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'identity', ''])

/** What a `content-encoding` names that is no coding known here: a charset by mistake, or a way of packing that is rare. */
export function unknownCodings(contentEncoding: string): string[] {
  const codings = contentEncoding.toLowerCase().split(',', CODINGS_MAX + 1)
  return codings.map((coding) => coding.trim()).filter((coding) => !KNOWN.has(coding))
}

function decoderFor(coding: string, body: Buffer, mayBeCut: boolean): Transform | 'identity' {
  const ofZlib = mayBeCut ? { finishFlush: zlib.Z_SYNC_FLUSH } : {}
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip(ofZlib)
    case 'deflate': {
      // RFC 9110 means the zlib wrapper, whose first byte ends in 8; some servers send the bare stream.
      const isWrapped = ((body[0] ?? 0) & 0x0f) === 8
      return isWrapped ? createInflate(ofZlib) : createInflateRaw(ofZlib)
    }
    case 'br':
      return createBrotliDecompress(mayBeCut ? { finishFlush: zlib.BROTLI_OPERATION_FLUSH } : {})
    case 'zstd':
      return createZstdDecompress(mayBeCut ? { finishFlush: zlib.ZSTD_e_flush } : {})
    default:
      return 'identity'
  }
}

function runBounded(
  decoder: Transform,
  body: Buffer,
  { bytesMax, allowance }: { bytesMax: number; allowance: Allowance | null },
): Promise<Decoded | 'over' | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    let isSettled = false
    function settle(outcome: Decoded | 'over' | null): void {
      if (isSettled) return
      isSettled = true
      if (outcome === null || outcome === 'over') allowance?.give(bytes)
      decoder.destroy()
      resolve(outcome)
    }
    decoder.on('data', (chunk: Buffer) => {
      if (isSettled) return
      const kept = chunk.subarray(0, bytesMax - bytes)
      if (allowance?.take(kept.length) === false) return settle('over')
      chunks.push(kept)
      bytes += kept.length
      if (kept.length < chunk.length) settle({ body: Buffer.concat(chunks), isTruncated: true })
    })
    decoder.on('end', () => settle({ body: Buffer.concat(chunks), isTruncated: false }))
    decoder.on('error', () => settle(null))
    decoder.end(body)
  })
}
