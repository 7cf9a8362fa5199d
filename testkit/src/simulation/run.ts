import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { MUTATIONS, mutate } from './mutations.ts'

/*
 * npm run simulate -- --seed 7            one seed, with what happened
 * npm run simulate -- --seeds 5000        the seeds from 1 (or --seed) on
 * npm run simulate -- --mutations         whether each mistake that is put into the real code is found
 */

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string' },
    mutation: { type: 'string' },
    mutations: { type: 'boolean', default: false },
  },
})
const first = Number(values.seed)
const count = Number(values.seeds ?? (values.mutations ? 6000 : 1))
if (!Number.isSafeInteger(first) || !Number.isSafeInteger(count) || count < 1) {
  console.error('--seed and --seeds are whole numbers')
  process.exit(2)
}
process.exitCode = values.mutations ? await findMutations() : await simulateAll()

async function simulateAll(): Promise<number> {
  if (values.mutation !== undefined) mutate(values.mutation)
  const { simulate } = await import('./simulation.ts')
  const beganMs = process.hrtime.bigint()
  const sums = { steps: 0, acknowledged: 0, effects: 0, again: 0 }
  for (let seed = first; seed < first + count; seed += 1) {
    const { broken, history, digest, ...figures } = await simulate(seed)
    for (const name of ['steps', 'acknowledged', 'effects', 'again'] as const) sums[name] += figures[name]
    if (count === 1 || broken !== null) console.log(history.join('\n'))
    if (count === 1 || broken !== null) console.log(`seed ${seed}, digest ${digest}: ${broken ?? 'kept'}`)
    if (broken !== null) return 1
  }
  const seconds = Number(process.hrtime.bigint() - beganMs) / 1e9
  const told = Object.entries(sums).map(([name, value]) => `${value.toLocaleString('en')} ${name}`)
  console.log(`${count.toLocaleString('en')} seeds kept every promise: ${told.join(', ')}; ${seconds.toFixed(1)} s`)
  return 0
}

/** Every mistake in a process of its own, two at a time; 1 where one was not found. */
async function findMutations(): Promise<number> {
  const left = Object.keys(MUTATIONS)
  let missed = 0
  const search = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const { isFound, lastLine } = await searchFor(name)
      if (!isFound) missed += 1
      console.log(`${isFound ? 'found' : 'MISSED'}: ${name} (${lastLine})`)
    }
  }
  await Promise.all([search(), search()])
  return missed === 0 ? 0 : 1
}

function searchFor(name: string): Promise<{ isFound: boolean; lastLine: string }> {
  const options = ['--seed', String(first), '--seeds', String(count), '--mutation', name]
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...options], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  return new Promise((resolve) =>
    child.on('close', (code) => {
      const lastLine = output.trim().split('\n').at(-1) ?? ''
      // A mistake that stops the simulator itself is not one that it found.
      resolve({ isFound: code === 1 && lastLine.startsWith('seed '), lastLine })
    }),
  )
}
