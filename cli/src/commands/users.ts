import { Role } from '@permea/contract'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

/** People of the console, for an operator: also where nobody can sign in any more. */
export function registerUserCommands(program: Command, desk: Desk): void {
  const users = program
    .command('users')
    .summary('people of the console: invite, remove, let in again')
    .description(
      'People who sign in to the console. Asks the engine with the workspace secret, so it works without an account.',
    )
  const idOf = async (email: string): Promise<{ id: string }> => {
    const { items } = await desk.target().permea.people.list()
    const found = items.find((each) => each.email === email.trim().toLowerCase())
    if (found === undefined) throw new CliProblem(`${email} is nobody of this workspace`)
    return { id: found.id }
  }

  const list = users
    .command('list')
    .summary('show who belongs to the workspace')
    .description('Shows who belongs to the workspace, with roles and how they prove who they are.')
    .action(async () => {
      const { items } = await desk.target().permea.people.list()
      const printer = desk.printer()
      for (const each of items)
        printer.value(each, () =>
          [each.email, each.role, each.hasSecondFactor ? 'second factor' : ''].join('  ').trimEnd(),
        )
    })
  withExamples(list, 'permea users list')

  const invite = users
    .command('invite')
    .argument('<email>', 'e-mail address')
    .summary('invite somebody')
    .description('Prints a link to hand over. It lets in once, within a week; where mail is set up it is mailed, too.')
    .option('--role <role>', Role.options.join(', '), 'developer')
    .action(async (email: string, options: { role: string }) => {
      const role = Role.safeParse(options.role)
      if (!role.success) throw new CliProblem(`--role ${options.role}: one of ${Role.options.join(', ')}`, 'usage')
      const made = await desk.target().permea.invitations.create({ body: { email, role: role.data } })
      desk.printer().value(made, () => made.link)
    })
  withExamples(invite, 'permea users invite anna@example.com --role owner')

  const reset = users
    .command('reset-password')
    .argument('<email>', 'e-mail address')
    .summary('let somebody set a new password')
    .description(
      'Prints a link by which somebody sets a new password, once, within a day. Sessions end when it is used.',
    )
    .action(async (email: string) => {
      const made = await desk.target().permea.people.passwordLink({ params: await idOf(email) })
      desk.printer().value(made, () => made.link)
    })
  withExamples(reset, 'permea users reset-password anna@example.com')

  const factor = users
    .command('reset-second-factor')
    .argument('<email>', 'e-mail address')
    .summary('take away a second factor that was lost')
    .description('Takes away the second factor and its recovery codes: the password alone lets in then.')
    .action(async (email: string) => {
      await desk.target().permea.people.removeSecondFactor({ params: await idOf(email) })
      desk.printer().value({ email, hasSecondFactor: false }, () => `${email} signs in by password alone`)
    })
  withExamples(factor, 'permea users reset-second-factor anna@example.com')

  const remove = users
    .command('remove')
    .argument('<email>', 'e-mail address')
    .summary('remove somebody from the workspace')
    .description('Removes somebody from the workspace; sessions in it end at once. The last owner stays.')
    .action(async (email: string) => {
      await desk.target().permea.people.archive({ params: await idOf(email) })
      desk.printer().value({ email, isMember: false }, () => `${email} is out`)
    })
  withExamples(remove, 'permea users remove anna@example.com')
}
