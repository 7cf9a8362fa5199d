/** The part of WebAssembly's interface that is used here; it is declared only with the browser's types. */
declare namespace WebAssembly {
  class Module {
    private readonly compiled: unknown
  }
  class Instance {
    readonly exports: Record<string, unknown>
  }
  class Global {
    value: number
  }
  class Table {
    readonly length: number
  }
  class Memory {
    readonly buffer: ArrayBuffer
  }
  function compile(bytes: Uint8Array): Promise<Module>
}
