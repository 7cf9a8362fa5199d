import fc from 'fast-check'
import { expect, test } from 'vitest'
import { encodeFrame, FrameReader } from './frames.ts'

const frame = fc.record({
  head: fc.record({ type: fc.string(), data: fc.jsonValue() }),
  bodies: fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 3 }),
})

test('frames arrive as they were sent, however the stream was cut', () => {
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 200 })), (sent, cuts) => {
      const stream = Buffer.concat(sent.flatMap(({ head, bodies }) => encodeFrame(head, bodies)))
      const reader = new FrameReader(10_000)
      const read = chunksOf(stream, cuts).flatMap((chunk) => reader.read(chunk))
      expect(read.map(({ head, body }) => ({ head: JSON.stringify(head), body: body.toString('hex') }))).toEqual(
        sent.map(({ head, bodies }) => ({
          head: JSON.stringify(JSON.parse(JSON.stringify(head))),
          body: Buffer.concat(bodies).toString('hex'),
        })),
      )
    }),
  )
})

test('a large body is not copied on its way out, and arrives', () => {
  const body = new Uint8Array(1_000_000).fill(7)
  const buffers = encodeFrame({ type: 'x' }, [body])
  expect(buffers.at(-1)).toBe(body)
  const reader = new FrameReader(2_000_000)
  const [read] = buffers.flatMap((buffer) => reader.read(Buffer.from(buffer)))
  expect(read?.body.byteLength).toBe(1_000_000)
})

test('a frame beyond the limit is refused as soon as it says its length', () => {
  const [whole = new Uint8Array()] = encodeFrame({ type: 'x' }, [new Uint8Array(2000)])
  expect(() => new FrameReader(1999).read(Buffer.from(whole.subarray(0, 8)))).toThrow(
    'a frame’s body of 2000 bytes'.replace('’', "'"),
  )
  expect(() => new FrameReader(10).read(Buffer.alloc(8, 0xff))).toThrow("a frame's head")
})

test('noise is refused or waited out, never taken for a frame that was not sent', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 200 }), (noise) => {
      try {
        for (const { body } of new FrameReader(100).read(Buffer.from(noise))) expect(body.byteLength).toBeLessThan(101)
      } catch (error) {
        expect(error).toBeInstanceOf(Error)
      }
    }),
  )
})

function chunksOf(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  let offset = 0
  for (const cut of cuts) {
    chunks.push(stream.subarray(offset, offset + cut))
    offset += cut
  }
  chunks.push(stream.subarray(offset))
  return chunks.filter((chunk) => chunk.byteLength > 0)
}
