import assert from 'node:assert/strict'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBody, unknownCodings } from './content-coding.ts'

const CODERS: [string, (data: Buffer) => Buffer][] = [
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['deflate', deflateSync],
  ['br', brotliCompressSync],
  ['zstd', zstdCompressSync],
]
const BOMB_BYTES = 50 * 1024 * 1024
const BOMB = Buffer.alloc(BOMB_BYTES)

describe.each(CODERS)('%s', (coding, encode) => {
  test('is undone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 5_000 }), async (data) => {
        const body = Buffer.from(data)
        expect(await decodeBody(encode(body), coding.toUpperCase(), { bytesMax: 5_000 })).toEqual({
          body,
          isTruncated: false,
        })
      }),
      { numRuns: 20 },
    )
  })

  test('unfolds to at most the limit', async () => {
    const decoded = await decodeBody(encode(BOMB), coding, { bytesMax: 100_000 })
    assert.ok(decoded !== 'over')
    assert.ok(decoded !== null)
    assert.equal(decoded.body.length, 100_000)
    assert.equal(decoded.isTruncated, true)
  })

  test('exactly at the limit is not cut', async () => {
    const body = Buffer.from('x'.repeat(1_000))
    expect(await decodeBody(encode(body), coding, { bytesMax: 1_000 })).toEqual({ body, isTruncated: false })
    expect(await decodeBody(encode(body), coding, { bytesMax: 999 })).toEqual({
      body: body.subarray(0, 999),
      isTruncated: true,
    })
  })

  test('of damaged data is refused, not thrown', async () => {
    expect(
      await decodeBody(Buffer.from('\xff\xfe this was never encoded', 'latin1'), coding, { bytesMax: 1_000 }),
    ).toBeNull()
  })

  test('of a body that was cut gives nothing where its end must be there', async () => {
    const encoded = encode(Buffer.from(Array.from({ length: 5000 }, (_, i) => `amount=${i * 7919}`).join('&')))
    for (const cut of [1, 8, Math.floor(encoded.length / 2)])
      expect(await decodeBody(encoded.subarray(0, encoded.length - cut), coding, { bytesMax: 10_000_000 })).toBeNull()
  })

  test('of a body that was cut gives what there is', async () => {
    const text = Array.from({ length: 50_000 }, (_, i) => `line ${i * 7919}`).join('\n')
    const encoded = encode(Buffer.from(text))
    const decoded = await decodeBody(encoded.subarray(0, Math.floor(encoded.length * 0.9)), coding, {
      bytesMax: 10_000_000,
      mayBeCut: true,
    })
    assert.ok(decoded !== 'over')
    assert.ok(decoded !== null && decoded.body.length > 0)
    assert.ok(text.startsWith(decoded.body.toString()))
  })
})

test('deflate without its wrapper is undone as well', async () => {
  const body = Buffer.from('{"as some servers":"send it"}')
  expect(await decodeBody(deflateRawSync(body), 'deflate', { bytesMax: 1_000 })).toEqual({ body, isTruncated: false })
})

test('several codings are undone from the last to the first', async () => {
  const body = Buffer.from('twice')
  expect(await decodeBody(brotliCompressSync(gzipSync(body)), 'gzip, br', { bytesMax: 1_000 })).toEqual({
    body,
    isTruncated: false,
  })
  expect(await decodeBody(body, 'identity', { bytesMax: 1_000 })).toEqual({ body, isTruncated: false })
})

test('more codings than anybody uses are not undone', async () => {
  expect(await decodeBody(gzipSync('x'), 'gzip,gzip,gzip,gzip', { bytesMax: 1_000 })).toBeNull()
})

test('what is no coding is passed over and named', async () => {
  const body = Buffer.from('plain')
  const plain = { body, isTruncated: false }
  for (const codings of ['utf-8', 'none', 'compress'])
    expect([await decodeBody(body, codings, { bytesMax: 1_000 }), unknownCodings(codings)]).toEqual([plain, [codings]])
  expect(await decodeBody(gzipSync(body), 'gzip, UTF-8', { bytesMax: 1_000 })).toEqual(plain)
  expect(unknownCodings('GZIP, x-gzip,deflate')).toEqual([])
  expect(unknownCodings('identity, br, , aes128gcm')).toEqual(['aes128gcm'])
})
