import { needBytes, wrap } from './buffer.ts'
import { perform, performJson } from './host-crypto.ts'
import { later } from './signing.ts'

type Callback = (error: Error | null, made?: Uint8Array) => void

function packing(operation: 'pack' | 'unpack', coding: string) {
  const sync = (data: unknown, { level, params }: { level?: number; params?: Record<number, number> } = {}) => {
    const spec = { coding, level, quality: params?.[zlibConstants.BROTLI_PARAM_QUALITY] }
    return wrap(perform(operation, spec, needBytes(data, undefined, 'buffer')))
  }
  const async = (data: unknown, options: object | Callback, callback?: Callback) =>
    typeof options === 'function'
      ? later(() => sync(data), options as Callback)
      : later(() => sync(data, options), callback as Callback)
  return [sync, async] as const
}

export const [gunzipSync, gunzip] = packing('unpack', 'gunzip')
export const [inflateSync, inflate] = packing('unpack', 'inflate')
export const [inflateRawSync, inflateRaw] = packing('unpack', 'inflateRaw')
export const [unzipSync, unzip] = packing('unpack', 'unzip')
export const [brotliDecompressSync, brotliDecompress] = packing('unpack', 'brotliDecompress')
export const [zstdDecompressSync, zstdDecompress] = packing('unpack', 'zstdDecompress')
export const [gzipSync, gzip] = packing('pack', 'gzip')
export const [deflateSync, deflate] = packing('pack', 'deflate')
export const [deflateRawSync, deflateRaw] = packing('pack', 'deflateRaw')
export const [brotliCompressSync, brotliCompress] = packing('pack', 'brotliCompress')
export const [zstdCompressSync, zstdCompress] = packing('pack', 'zstdCompress')

/** Of Node's, those that something here reads. */
const zlibConstants = {
  BROTLI_PARAM_QUALITY: 1,
  BROTLI_MIN_QUALITY: 0,
  BROTLI_MAX_QUALITY: 11,
  BROTLI_DEFAULT_QUALITY: 11,
}

export { zlibConstants as constants }

/** The CRC-32 of the data, going on from another one where given. */
export function crc32(data: unknown, value = 0): number {
  return performJson<number>('crc32', { value }, needBytes(data, undefined, 'data'))
}

/**
 * What Node has under `node:zlib`: unpacking gives 10 MiB at most, and there are no streams.
 */
export default {
  ...{ gunzipSync, gunzip, inflateSync, inflate, inflateRawSync, inflateRaw, unzipSync, unzip },
  ...{ brotliDecompressSync, brotliDecompress, zstdDecompressSync, zstdDecompress },
  ...{ gzipSync, gzip, deflateSync, deflate, deflateRawSync, deflateRaw, crc32, constants: zlibConstants },
  ...{ brotliCompressSync, brotliCompress, zstdCompressSync, zstdCompress },
}
