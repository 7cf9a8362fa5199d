import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PAGE_BYTES, withMemoryMaximum } from './wasm-memory.ts'

/** A module with nothing but a memory of one page, exported as `m`. */
const SMALLEST = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1, 7, 5, 1, 1, 0x6d, 2, 0)

const wasm = globalThis as unknown as {
  WebAssembly: {
    instantiate(bytes: Uint8Array): Promise<{
      instance: { exports: { m: { grow(pages: number): number; buffer: ArrayBuffer } } }
    }>
    validate(bytes: Uint8Array): boolean
  }
}

test('memory grows up to the maximum and not a page further', async () => {
  const { instance } = await wasm.WebAssembly.instantiate(withMemoryMaximum(SMALLEST, 300))
  const memory = instance.exports.m
  memory.grow(299)
  expect(memory.buffer.byteLength).toBe(300 * PAGE_BYTES)
  expect(() => memory.grow(1)).toThrow(RangeError)
})

test('the engine as it is shipped can be limited, again and again', () => {
  const shipped = readFileSync(new URL(import.meta.resolve('quickjs-wasi/quickjs.wasm')))
  const limited = withMemoryMaximum(shipped, 1024)
  expect(wasm.WebAssembly.validate(limited)).toBe(true)
  expect(wasm.WebAssembly.validate(withMemoryMaximum(limited, 512))).toBe(true)
})

test('a binary that is not what was expected is refused', () => {
  expect(() => withMemoryMaximum(SMALLEST.subarray(0, 8), 10)).toThrow('no memory section')
  expect(() => withMemoryMaximum(SMALLEST, 0)).toThrow('starts with 1 pages')
})
