import { connect, createServer } from 'node:net'

// node door.ts SOCKET PORT: who connects to the socket, a file, is connected to a port of this loopback. Files are the same
// in every network namespace, and loopbacks are not.

const [file = '', port = ''] = process.argv.slice(2)

createServer((outer) => {
  const inner = connect(Number(port), '127.0.0.1')
  for (const [from, to] of [
    [outer, inner],
    [inner, outer],
  ] as const) {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}).listen(file)
