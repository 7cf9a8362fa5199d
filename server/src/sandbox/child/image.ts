import type { QuickJS } from 'quickjs-wasi'

/** The grain in which zeros are told from content. */
const BLOCK_BYTES = 4096

/** What follows the content may be used by a call without the memory having to grow, which would cost the machine. */
export const SLACK_BYTES = 256 * 1024

/**
 * A machine's memory at one moment, to which it can be set back in place. Only what is not zero is kept.
 * A machine whose memory has grown since cannot be set back: the engine's allocator would never use the new pages again.
 */
export class Image {
  readonly #vm: QuickJS
  readonly #bytes: number
  readonly #stackPointer: number
  readonly #content: { offset: number; bytes: Uint8Array }[] = []
  readonly #zeros: { from: number; to: number }[] = []

  constructor(vm: QuickJS) {
    const { memory, __stack_pointer } = vm._getExports()
    const all = new Uint8Array(memory.buffer)
    this.#vm = vm
    this.#bytes = all.byteLength
    this.#stackPointer = __stack_pointer.value
    for (let from = 0; from < all.byteLength; ) {
      const isZero = isZeroAt(all, from)
      let to = from + BLOCK_BYTES
      while (to < all.byteLength && isZeroAt(all, to) === isZero) to += BLOCK_BYTES
      if (isZero) this.#zeros.push({ from, to })
      else this.#content.push({ offset: from, bytes: all.slice(from, to) })
      from = to
    }
  }

  get hasGrown(): boolean {
    return this.grownBytes > 0
  }

  get grownBytes(): number {
    return this.#vm._getExports().memory.buffer.byteLength - this.#bytes
  }

  /** Sets the memory back. Nothing of what a call left behind is in it. */
  restore(): void {
    const { memory, __stack_pointer } = this.#vm._getExports()
    const all = new Uint8Array(memory.buffer)
    for (const { offset, bytes } of this.#content) all.set(bytes, offset)
    for (const { from, to } of this.#zeros) all.fill(0, from, to)
    __stack_pointer.value = this.#stackPointer
  }
}

function isZeroAt(all: Uint8Array, offset: number): boolean {
  const words = new BigUint64Array(all.buffer, offset, BLOCK_BYTES / 8)
  return words.every((word) => word === 0n)
}
