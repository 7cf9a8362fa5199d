import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const LIFE_SECONDS_MAX = 366 * 86_400

export function registerTokenCommand(program: Command, desk: Desk): void {
  const token = program
    .command('token')
    .summary('make a token for the API')
    .description(
      'Makes a token, signed with the workspace secret: for an admin, or for one customer, who sees only its own. ' +
        'Whoever has it can use it until it expires.',
    )
    .option('--customer <id>', "your own id of the customer; without it the token is an admin's")
    .option('--name <name>', 'name of the customer, for the console')
    .option('--expires <time>', 'how long it is good for, as in 30m, 12h, 7d', '24h')
    .action(async (options: { customer?: string; name?: string; expires: string }) => {
      const printer = desk.printer()
      const claims =
        options.customer === undefined ? { isAdmin: true } : { id: options.customer, ...named(options.name) }
      const target = desk.target()
      const expiresInSeconds = secondsOf(options.expires)
      const made = await target.sign(claims, expiresInSeconds)
      printer.value({ token: made, expiresInSeconds }, () => made)
    })
  withExamples(
    token,
    'permea token',
    'permea token --customer customer-123 --expires 7d',
    'curl -H "Authorization: Bearer $(permea token)" http://127.0.0.1:4000/flow-runs',
  )
}

function named(name: string | undefined): { name?: string } {
  return name === undefined ? {} : { name }
}

/** `90s`, `30m`, `12h`, `7d` in seconds. */
function secondsOf(text: string): number {
  const match = /^(\d{1,8})([smhd])$/.exec(text)
  const seconds = Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN)
  if (!(seconds > 0 && seconds <= LIFE_SECONDS_MAX))
    throw new CliProblem(`--expires ${text}: write a time as in 30m, 12h or 7d, a year at most`, 'usage')
  return seconds
}
