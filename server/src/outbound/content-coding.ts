import type { Transform } from 'node:stream'
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  constants as zlib,
} from 'node:zlib'

/** An answer may be encoded more than once, in turn; more than this is an attack rather than an answer. */
const CODINGS_MAX = 3

/**
 * Undoes `content-encoding` (gzip, deflate, br, zstd), giving at most `bytesMax` bytes; decoding stops there, so that a
 * small answer cannot unfold into a large one. A body that was cut gives what could be decoded of it.
 *
 * @param contentEncoding the header's value: codings in the order in which they were applied
 * @returns null where a coding is unknown or the data are damaged: then the body is best left as it came
 * @source RFC 9110 "Content-Encoding"
 */
export async function decodeBody(
  body: Buffer,
  contentEncoding: string,
  bytesMax: number,
): Promise<{ body: Buffer; isTruncated: boolean } | null> {
  const codings = contentEncoding.toLowerCase().split(',', CODINGS_MAX + 1)
  if (codings.length > CODINGS_MAX) return null
  let decoded = body
  let isTruncated = false
  for (const coding of codings.reverse()) {
    const decoder = decoderFor(coding.trim(), decoded)
    if (decoder === null) return null
    if (decoder === 'identity') continue
    const step = await runBounded(decoder, decoded, bytesMax)
    if (step === null) return null
    decoded = step.body
    isTruncated ||= step.isTruncated
  }
  return { body: decoded, isTruncated }
}

function decoderFor(coding: string, body: Buffer): Transform | 'identity' | null {
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ finishFlush: zlib.Z_SYNC_FLUSH })
    case 'deflate': {
      // RFC 9110 means the zlib wrapper, whose first byte ends in 8; some servers send the bare stream.
      const isWrapped = ((body[0] ?? 0) & 0x0f) === 8
      return isWrapped
        ? createInflate({ finishFlush: zlib.Z_SYNC_FLUSH })
        : createInflateRaw({ finishFlush: zlib.Z_SYNC_FLUSH })
    }
    case 'br':
      return createBrotliDecompress({ finishFlush: zlib.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return createZstdDecompress({ finishFlush: zlib.ZSTD_e_flush })
    case 'identity':
    case '':
      return 'identity'
    default:
      return null
  }
}

function runBounded(
  decoder: Transform,
  body: Buffer,
  bytesMax: number,
): Promise<{ body: Buffer; isTruncated: boolean } | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    decoder.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes <= bytesMax) return
      resolve({ body: Buffer.concat(chunks).subarray(0, bytesMax), isTruncated: true })
      decoder.destroy()
    })
    decoder.on('end', () => resolve({ body: Buffer.concat(chunks), isTruncated: false }))
    decoder.on('error', () => resolve(null))
    decoder.end(body)
  })
}
