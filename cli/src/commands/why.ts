import type { Permea } from '@permea/sdk'
import type { Command } from 'commander'
import { treeOfDelivery, treeOfEvent, treeOfRefusal, treeOfRun, treeOfWebhook } from '../chain.ts'
import { withExamples } from '../examples.ts'
import { CliProblem } from '../exit-codes.ts'
import type { Desk } from '../program.ts'

/** A thing that the command found, with its tree. */
interface Found {
  value: Record<string, unknown>
  tree: string[]
}

/** How many of each kind are shown where a text is looked for. */
const FOUND_MAX = 3

/** What an id stands for, by its prefix. */
const LOOKERS: Record<string, (permea: Permea, id: string) => Promise<Found>> = {
  async fr(permea, id) {
    const run = await permea.flowRuns.get({ params: { id } })
    return { value: { run }, tree: await treeOfRun(permea, run) }
  },
  async aev(permea, id) {
    const event = await permea.appEvents.get({ params: { id } })
    return { value: { event }, tree: await treeOfEvent(permea, event) }
  },
  async eev(permea, id) {
    const event = await permea.externalEvents.get({ params: { id } })
    return { value: { event }, tree: await treeOfEvent(permea, event) }
  },
  async iwh(permea, id) {
    const incomingWebhook = await permea.incomingWebhooks.get({ params: { id } })
    return { value: { incomingWebhook }, tree: await treeOfWebhook(permea, incomingWebhook) }
  },
  async rrq(permea, id) {
    const refusedRequest = await permea.refusedRequests.get({ params: { id } })
    return { value: { refusedRequest }, tree: treeOfRefusal(refusedRequest) }
  },
  async dlv(permea, id) {
    return {
      value: { delivery: await permea.deliveries.get({ params: { id } }) },
      tree: await treeOfDelivery(permea, id),
    }
  },
}

export function registerWhyCommand(program: Command, desk: Desk): void {
  const why = program
    .command('why')
    .argument('<what>', 'an id (aev_…, eev_…, fr_…, iwh_…, dlv_…, rrq_…), or text that stands in an event')
    .summary('show what became of an event, and where it stopped')
    .description(
      'Shows the whole chain of one event as a tree: the runs that it launched, their nodes, what failed, and the ' +
        'notifications that told of it. Where nothing happened, it says why. An event that was refused has no id: give ' +
        'a text of it, such as an order’s number, and the refused requests are looked through too.',
    )
    .action(async (what: string) => {
      const { permea } = desk.target()
      const printer = desk.printer()
      const look = LOOKERS[what.slice(0, Math.max(what.lastIndexOf('_'), 0))]
      const found = look === undefined ? await lookFor(permea, what) : [await look(permea, what)]
      if (found.length === 0)
        throw new CliProblem(`no event and no refused request of late has ${JSON.stringify(what)} in it`)
      for (const each of found) printer.value({ ...each.value, tree: each.tree }, () => each.tree.join('\n'))
    })
  withExamples(why, 'permea why aev_01h455vb4pex5vsknk084sn02q', 'permea why order-4711')
}

/** The newest events and refused requests with a text in them. */
async function lookFor(permea: Permea, search: string): Promise<Found[]> {
  const query = { search, limit: FOUND_MAX }
  const [events, external, refused] = await Promise.all([
    permea.appEvents.list({ query }),
    permea.externalEvents.list({ query }),
    permea.refusedRequests.list({ query }),
  ])
  return Promise.all([
    ...[...events.items, ...external.items].map(async (event) => ({
      value: { event },
      tree: await treeOfEvent(permea, event),
    })),
    ...refused.items.map((refusedRequest) => ({ value: { refusedRequest }, tree: treeOfRefusal(refusedRequest) })),
  ])
}
