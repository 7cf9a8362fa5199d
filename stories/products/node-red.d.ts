/** As much of Node-RED as the story uses. */
declare module 'node-red' {
  interface Runtime {
    init(server: import('node:http').Server, settings: Record<string, unknown>): void
    start(): Promise<void>
    stop(): Promise<void>
    readonly httpAdmin: import('express').Express
  }
  const runtime: Runtime
  export default runtime
}
