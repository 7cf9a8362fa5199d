import { PermeaError } from '@permea/sdk'

/** How a command ended, for scripts. `docs/use/cli.md` is printed from these. */
export const EXIT_CODES = {
  done: { code: 0, meaning: 'Done.' },
  failed: { code: 1, meaning: 'It failed, or the engine refused it; the last line on standard error says why.' },
  usage: { code: 2, meaning: 'The command line is wrong, or a configuration file is.' },
  unreachable: { code: 3, meaning: 'No engine answers at the address.' },
  denied: { code: 4, meaning: 'The engine does not accept the token, or the token may not do this.' },
  differs: {
    code: 5,
    meaning:
      'There are differences: `diff --exit-code` found some, or `push` met changes that were made on the server.',
  },
} as const

export type ExitName = keyof typeof EXIT_CODES

/** A command cannot go on; the message is for people and says what to do. */
export class CliProblem extends Error {
  readonly exit: ExitName

  constructor(message: string, exit: ExitName = 'failed') {
    super(message)
    this.exit = exit
  }
}

/** How an error ends a command, and what is said about it. */
export function endingOf(error: unknown, url: string | null): { exit: ExitName; message: string } {
  if (error instanceof CliProblem) return { exit: error.exit, message: error.message }
  if (error instanceof PermeaError) {
    const isDenied = error.status === 401 || error.status === 403
    return { exit: isDenied ? 'denied' : 'failed', message: messageOf(error) }
  }
  const { cause, message } = error as Error & { cause?: { code?: string; message?: string } }
  if (error instanceof TypeError && message === 'fetch failed')
    return {
      exit: 'unreachable',
      message: `no engine answers at ${url ?? 'the address'} (${cause?.code ?? cause?.message ?? message}); start one with: permea start`,
    }
  return { exit: 'failed', message }
}

function messageOf(error: PermeaError): string {
  const problems = (error.data as { problems?: { field?: string; message?: string }[] } | undefined)?.problems ?? []
  const lines = problems.map(({ field, message }) => `  ${field === undefined ? '' : `${field}: `}${message ?? ''}`)
  return [error.message, ...lines].join('\n')
}
