import { NEEDS_ENGINE_NODE, runCli } from './program.ts'

/**
 * The command line of this process. `handOver` runs the same command with a Node that is new enough for the engine, and
 * does not come back; null where this one is.
 */
export async function main(handOver: (() => void) | null): Promise<void> {
  const stopping = new AbortController()
  // Whoever reads this may have read enough: `permea runs tail | head`.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
      process.exit(0)
    })

  const code = await runCli(process.argv.slice(2), {
    env: process.env,
    cwd: process.cwd(),
    stdout: process.stdout,
    stderr: process.stderr,
    isEngineNode: handOver === null,
    /** The first Ctrl-C ends what is being followed; whoever presses it again wants out. */
    untilStopped() {
      if (!stopping.signal.aborted)
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stopping.abort())
      return stopping.signal
    },
  })
  if (code === NEEDS_ENGINE_NODE) handOver?.()
  else process.exitCode = code
}
