import { QuotaName } from '@permea/contract'
import type { Command } from 'commander'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

/** How often it is asked how far a deletion is. */
const LOOK_MS = 1000

/** The workspaces of an installation, for who owns it. */
export function registerWorkspacesCommands(program: Command, desk: Desk): void {
  const workspaces = program
    .command('workspaces')
    .summary('workspaces of the installation: list, make, rename, bound, give a new secret, delete')
    .description(
      'The workspaces of the installation. Asks with the secret, or an owner’s API key, of the main workspace; with ' +
        'those of another one, only that one is there to list, rename and give a new secret.',
    )

  const list = workspaces
    .command('list')
    .summary('show the workspaces')
    .description('Shows the workspaces by key and name, the main one first.')
    .action(async () => {
      const { items } = await desk.target().permea.workspaces.list()
      const printer = desk.printer()
      for (const each of items)
        printer.value(each, () => [each.key, each.name, each.isMain ? '(main)' : ''].join('  ').trimEnd())
    })
  withExamples(list, 'permea workspaces list')

  const create = workspaces
    .command('create')
    .argument('<name>', 'what people call it')
    .summary('make a workspace')
    .description(
      'Makes a workspace and prints its key and its secret: what tokens of your application name and are signed with.',
    )
    .option('--key <key>', 'the key; drawn where absent')
    .option('--type <type>', 'production or development', 'production')
    .action(async (name: string, options: { key?: string; type: string }) => {
      const { type, key } = options
      if (type !== 'production' && type !== 'development')
        throw new CliProblem(`--type ${type}: production or development`, 'usage')
      const body = { name, type, ...(key === undefined ? {} : { key }) } as const
      const made = await desk.target().permea.workspaces.create({ body })
      desk.printer().value(made, () => `PERMEA_WORKSPACE_KEY=${made.key}\nPERMEA_WORKSPACE_SECRET=${made.secret}`)
    })
  withExamples(create, 'permea workspaces create "Acme staging" --type development')

  const rename = workspaces
    .command('rename')
    .argument('<key>', 'key of the workspace')
    .argument('<name>', 'its new name')
    .summary('give a workspace another name')
    .description('Gives a workspace another name. Its key stays: tokens name it.')
    .action(async (id: string, name: string) => {
      const changed = await desk.target().permea.workspaces.patch({ params: { id }, body: { name } })
      desk.printer().value(changed, () => `${changed.key} is ${changed.name} now`)
    })
  withExamples(rename, 'permea workspaces rename wk_2f9c1a "Acme production"')

  const rotate = workspaces
    .command('rotate-secret')
    .argument('<key>', 'key of the workspace')
    .summary('draw a new secret')
    .description('Draws a new secret and prints it. The one before, and tokens signed with it, are good no more.')
    .action(async (id: string) => {
      const made = await desk.target().permea.workspaces.rotateSecret({ params: { id } })
      desk.printer().value(made, () => made.secret)
    })
  withExamples(rotate, 'permea workspaces rotate-secret wk_2f9c1a')

  const quotas = workspaces
    .command('quotas')
    .argument('<key>', 'key of the workspace')
    .summary('show, or set, what a workspace may take')
    .description(
      `Shows what a workspace uses and may use. --set bounds it (${QuotaName.options.join(', ')}); "none" takes a bound away.`,
    )
    .option('--set <name=number...>', 'bound something')
    .action(async (id: string, { set = [] }: { set?: string[] }) => {
      const { workspaces: api } = desk.target().permea
      const { items } =
        set.length === 0
          ? await api.usage({ params: { id } })
          : await api.setQuotas({ params: { id }, body: Object.fromEntries(set.map(boundOf)) })
      const printer = desk.printer()
      for (const each of items)
        printer.value(each, () => `${each.quota}  ${each.used ?? '–'} of ${each.limit ?? 'as many as come'}`)
    })
  withExamples(quotas, 'permea workspaces quotas wk_2f9c1a --set eventsPerDay=100000 customers=none')

  registerDelete(workspaces, desk)
}

function registerDelete(workspaces: Command, desk: Desk): void {
  const remove = workspaces
    .command('delete')
    .argument('<key>', 'key of the workspace')
    .summary('delete a workspace with everything that is in it')
    .description(
      'Deletes a workspace with everything that is in it, for good: it is shut at once, its apps are told, then every row ' +
        'of it goes. Waits until it is done, and prints how many rows there were; without waiting the engine does the same.',
    )
    .option('--confirm <key>', 'the key once more')
    .option('--no-wait', 'do not wait for the end')
    .action(async (id: string, { confirm, wait }: { confirm?: string; wait: boolean }) => {
      if (confirm === undefined)
        throw new CliProblem(`this cannot be undone: give the key once more, --confirm ${id}`, 'usage')
      const { workspaceDeletions: api } = desk.target().permea
      let deletion = await api.begin({ params: { id }, query: { confirm } })
      while (wait && deletion.status === 'running') {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
        deletion = await api.get({ params: { id: deletion.id } })
      }
      const { status, workspaceKey, rows } = deletion
      desk
        .printer()
        .value(deletion, () =>
          status === 'running' ? `${workspaceKey} is being deleted` : `${workspaceKey} is deleted: ${rows} rows`,
        )
    })
  withExamples(remove, 'permea workspaces delete wk_2f9c1a --confirm wk_2f9c1a')
}

function boundOf(text: string): [QuotaName, number | null] {
  const [name = '', value = ''] = text.split('=')
  const quota = QuotaName.safeParse(name)
  if (!quota.success) throw new CliProblem(`--set ${text}: one of ${QuotaName.options.join(', ')}`, 'usage')
  if (value === 'none') return [quota.data, null]
  if (!/^\d+$/.test(value)) throw new CliProblem(`--set ${text}: a whole number, or none`, 'usage')
  return [quota.data, Number(value)]
}
