const MEMORY_SECTION = 5
const HEADER_BYTES = 8

/** One page of WebAssembly memory. */
export const PAGE_BYTES = 65_536

/**
 * A WebAssembly binary whose memory can never grow beyond `pagesMax`, whatever the code in it does.
 * The shipped binary has no maximum, and the allocator's own limit does not see every allocation.
 * Throws where there is no memory section: then it is another binary than the one this was written for.
 */
export function withMemoryMaximum(wasm: Uint8Array, pagesMax: number): Uint8Array<ArrayBuffer> {
  let offset = HEADER_BYTES
  while (offset < wasm.byteLength) {
    const start = offset
    const id = wasm[offset]
    const size = readUnsigned(wasm, offset + 1)
    const content = size.end
    offset = content + size.value
    if (id !== MEMORY_SECTION) continue
    const section = limited(wasm.subarray(content, offset), pagesMax)
    return joined([
      wasm.subarray(0, start),
      Uint8Array.of(MEMORY_SECTION, ...unsigned(section.length)),
      section,
      wasm.subarray(offset),
    ])
  }
  throw new Error('the WebAssembly binary has no memory section')
}

/** The content of a memory section: one memory, of at least as many pages as before and at most `pagesMax`. */
function limited(content: Uint8Array, pagesMax: number): Uint8Array {
  const count = readUnsigned(content, 0)
  if (count.value !== 1) throw new Error(`the WebAssembly binary has ${count.value} memories`)
  const flags = content[count.end]
  if (flags !== 0 && flags !== 1) throw new Error(`memory of an unexpected kind: ${flags}`)
  const least = readUnsigned(content, count.end + 1)
  if (least.value > pagesMax) throw new Error(`the memory starts with ${least.value} pages`)
  return Uint8Array.of(1, 1, ...unsigned(least.value), ...unsigned(pagesMax))
}

/** LEB128, as WebAssembly writes unsigned numbers. */
function readUnsigned(bytes: Uint8Array, offset: number): { value: number; end: number } {
  let value = 0
  let end = offset
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = bytes[end] ?? 0
    end += 1
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) return { value, end }
  }
  throw new Error('a number of more than five bytes')
}

function unsigned(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.byteLength, 0))
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}
