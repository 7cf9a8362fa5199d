/** As much of Parse Server as the story uses; the package's own types ask for more than is installed. */
declare module 'parse-server' {
  export default class ParseServer {
    constructor(options: Record<string, unknown>)
    start(): Promise<this>
    handleShutdown(): Promise<void>
    readonly app: import('express').Express
    server: import('node:http').Server
  }
}
