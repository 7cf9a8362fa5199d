import { registerHooks } from 'node:module'

/** A mistake in the real code that the simulator is to find. */
export interface Mutation {
  /** Of the server's sources. */
  file: string
  from: string
  to: string
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'acknowledges before the commit': {
    file: 'events/accept.ts',
    from: 'await tables.store(statements)',
    to: 'void tables.store(statements).catch(() => {})',
  },
  'starts runs before the commit': {
    file: 'events/accept.ts',
    from: '      await tables.store(statements)\n',
    to: '      runs.offer(items)\n      await tables.store(statements)\n',
  },
  'refuses a whole group for one of its items': {
    file: 'platform/group-commit.ts',
    from: 'if (items.length <= 1 || isDatabaseAway(error))',
    to: 'if (items.length > 0)',
  },
  'forgets whose the shards are': {
    file: 'platform/lane-state.ts',
    from: 'return state.owned[shard] === 1',
    to: 'return shard >= 0 && state.owned !== null',
  },
  'takes shards without asking for their locks': {
    file: 'platform/ownership.ts',
    from: 'const gained = await session.take(wanted)',
    to: 'const gained = wanted',
  },
  'keeps its shards when its session is lost': {
    file: 'platform/ownership.ts',
    from: 'this.#mine.clear()',
    to: '',
  },
  'gives shards up before what is at work in them has ended': {
    file: 'platform/lane-step.ts',
    from: 'if (leaving.lanes.some((lane) => lane.working > 0)) continue',
    to: '',
  },
  'goes past the head of an order that waits': {
    file: 'platform/lane-discipline.ts',
    from: "if (!isDue) return 'block'",
    to: "if (!isDue) return 'wait'",
  },
  'works an order side by side': {
    file: 'platform/lane-discipline.ts',
    from: 'cap: () => 1,',
    to: 'cap: () => 3,',
  },
  'never sweeps': {
    file: 'platform/lanes.ts',
    from: "void this.#look(this.#owned(), 'sweep').finally",
    to: "void this.#look([], 'sweep').finally",
  },
  'takes over batches of living sessions': {
    file: 'runs/batches.ts',
    from: 'store.takeOver(ownership.session,',
    to: 'store.takeOver(-1,',
  },
  'deletes a batch with its first run': {
    file: 'runs/batches.ts',
    from: 'if (batch.left > 0) return',
    to: '',
  },
  'gives what it lets go of no rows': {
    file: 'runs/backlog.ts',
    from: 'letGo: (items) => void batches.activate(items),',
    to: '',
  },
  'begins a step before the one before it is recorded': {
    file: 'runs/execution.ts',
    from: 'if (visit.node.type.hasEffect) await this.#makeEffectsDurable()',
    to: '',
  },
  'goes on behind what could not be recorded': {
    file: 'runs/execution.ts',
    from: 'if (hasEnded === null) this.#isLost = true',
    to: '',
  },
  'does recorded steps again': {
    file: 'runs/execution.ts',
    from: 'const record = this.#in.recorded.get(visit.path)',
    to: "const record = this.#in.recorded.get('')",
  },
  'gives up what could not be recorded at once': {
    file: 'runs/recorder.ts',
    from: 'if (isStopped()) throw error',
    to: 'throw error',
  },
  'goes on with a run that was given up': {
    file: 'runs/recorder.ts',
    from: 'unkept: new Set([only.item.id])',
    to: 'unkept: NOBODY',
  },
  'tells every end': {
    file: 'runs/recorder.ts',
    from: 'recorded.ended.has(item.id)',
    to: 'true',
  },
}

/** Loads the real code with one mistake in it. Fails where the mistake cannot be made any more. */
export function mutate(name: string): void {
  const mutation = MUTATIONS[name]
  if (mutation === undefined) throw new Error(`there is no mutation ${JSON.stringify(name)}`)
  const { file, from, to } = mutation
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (!url.endsWith(`/server/src/${file}`)) return loaded
      const source = String(loaded.source)
      if (!source.includes(from)) throw new Error(`${file} does not have ${JSON.stringify(from)}`)
      return { ...loaded, source: source.replace(from, () => to) }
    },
  })
}
