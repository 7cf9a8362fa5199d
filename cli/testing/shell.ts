import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { runCli } from '../src/program.ts'

/** A folder that commands run in, with what they wrote. */
export interface Shell extends AsyncDisposable {
  dir: string
  run(...args: string[]): Promise<{ code: number; out: string; err: string }>
  /** Begins a command that goes on until it is stopped. */
  begin(...args: string[]): { code: Promise<number>; out(): string; err(): string; stop(): Promise<number> }
}

/** Opens a folder of its own, with these variables in the environment of its commands and no others. */
export async function openShell(env: Readonly<Record<string, string>>): Promise<Shell> {
  const dir = await mkdtemp(path.join(tmpdir(), 'permea-cli-'))
  const begin = (...args: string[]) => {
    const said: { out: string[]; err: string[] } = { out: [], err: [] }
    const stopping = new AbortController()
    const code = runCli(args, {
      env,
      cwd: dir,
      stdout: { write: (text) => said.out.push(text) },
      stderr: { write: (text) => said.err.push(text) },
      untilStopped: () => stopping.signal,
    })
    return {
      code,
      out: () => said.out.join(''),
      err: () => said.err.join(''),
      stop: async () => {
        stopping.abort()
        return code
      },
    }
  }
  return {
    dir,
    begin,
    async run(...args) {
      const begun = begin(...args)
      const code = await begun.code
      return { code, out: begun.out(), err: begun.err() }
    },
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
