import { parseArgs } from 'node:util'
import { seededRandom } from '@permea/testkit'
import { median } from './moments.ts'
import { figure } from './table.ts'

// What decision 0141 reckons with: several databases ("cells"), each working a slice of the slots that customers are
// spread over, behind one intake log that holds what a cell has not applied yet. Discrete steps, one seed, no database.

const STEP_S = 0.1
/** Events a second that one database and its processes work: what `npm run bench` shows for one machine. */
const CELL_RATE = 3000
/** One slot is worked by one process at a time. */
const SLOT_RATE = 1400
const CUSTOMERS = 20_000
const WARM_S = 20

interface Slot {
  cell: number
  /** Events a second that arrive. */
  rate: number
  /** Worked by nobody until then, in seconds since the start. */
  pausedUntilS: number
  /** What waits in the log, oldest first. */
  queue: { atS: number; count: number }[]
  waiting: number
}

interface World {
  nowS: number
  slots: Slot[]
  /** Of each cell, in seconds since the start: before then it works nothing. */
  cellsBackS: number[]
  /** How long events waited, counted by tenths of a second, since somebody asked. */
  waits: Map<number, number>
  random: ReturnType<typeof seededRandom>
}

/** Customers of whom few send most, as their slots' rates: the n-th sends 1/n of what the first one does. */
function ratesOf(slotCount: number, total: number, random: World['random']): number[] {
  const rates = new Array<number>(slotCount).fill(0)
  let sum = 0
  for (let n = 1; n <= CUSTOMERS; n++) sum += 1 / (n + HEAD)
  for (let n = 1; n <= CUSTOMERS; n++) {
    const slot = random.between(0, slotCount - 1)
    rates[slot] = (rates[slot] ?? 0) + (total * (1 / (n + HEAD))) / sum
  }
  return rates
}

/** Flattens the head: the largest customer sends 2 % of everything rather than a tenth. */
const HEAD = 5

function worldOf(given: {
  cells: number
  slots: number
  load: number
  seed: number
  spread: 'by-hash' | 'by-load'
}): World {
  const random = seededRandom(given.seed)
  const rates = ratesOf(given.slots, given.load * given.cells * CELL_RATE, random)
  const slots = rates.map(
    (rate, at): Slot => ({ cell: at % given.cells, rate, pausedUntilS: 0, queue: [], waiting: 0 }),
  )
  if (given.spread === 'by-load') spread(slots, given.cells)
  return { nowS: 0, slots, cellsBackS: new Array<number>(given.cells).fill(0), waits: new Map(), random }
}

/** The busiest slot goes to the cell that has least so far, and so on. */
function spread(slots: Slot[], cells: number): void {
  const loads = new Array<number>(cells).fill(0)
  for (const slot of [...slots].sort((one, other) => other.rate - one.rate)) {
    slot.cell = loads.indexOf(Math.min(...loads))
    loads[slot.cell] = (loads[slot.cell] ?? 0) + slot.rate
  }
}

/** Arrivals of a step: whole events, as many on average as the rate says. */
function arrivals({ rate }: Slot, random: World['random']): number {
  const mean = rate * STEP_S
  if (mean > 30) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)))
  let count = -1
  for (let product = 1, edge = Math.exp(-mean); product > edge; count++) product *= random.next()
  return count
}

function normal(random: World['random']): number {
  return Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
}

function step(world: World): void {
  world.nowS += STEP_S
  for (const slot of world.slots) {
    const count = arrivals(slot, world.random)
    if (count > 0) slot.queue.push({ atS: world.nowS, count })
    slot.waiting += count
  }
  world.cellsBackS.forEach((backS, cell) => {
    if (world.nowS >= backS) work(world, cell)
  })
}

/** A cell shares its time among the slots that have work: each gets the same, what it does not need goes to the others. */
function work(world: World, cell: number): void {
  let budget = Math.round(CELL_RATE * STEP_S)
  let busy = world.slots.filter((slot) => slot.cell === cell && slot.waiting > 0 && world.nowS >= slot.pausedUntilS)
  const left = new Map(busy.map((slot) => [slot, Math.round(SLOT_RATE * STEP_S)]))
  while (budget > 0 && busy.length > 0) {
    const share = Math.max(1, Math.floor(budget / busy.length))
    for (const slot of busy) {
      const count = Math.min(share, slot.waiting, left.get(slot) ?? 0, budget)
      take(world, slot, count)
      left.set(slot, (left.get(slot) ?? 0) - count)
      budget -= count
    }
    busy = busy.filter((slot) => slot.waiting > 0 && (left.get(slot) ?? 0) > 0)
  }
}

function take(world: World, slot: Slot, count: number): void {
  slot.waiting -= count
  for (let open = count; open > 0; ) {
    const [first] = slot.queue
    if (first === undefined) return
    const taken = Math.min(open, first.count)
    const tenths = Math.round((world.nowS - first.atS) * 10)
    world.waits.set(tenths, (world.waits.get(tenths) ?? 0) + taken)
    first.count -= taken
    open -= taken
    if (first.count === 0) slot.queue.shift()
  }
}

function run(world: World, seconds: number, each?: () => boolean): number {
  const startS = world.nowS
  while (world.nowS - startS < seconds) {
    step(world)
    if (each?.() === true) break
  }
  return world.nowS - startS
}

function percentile(waits: World['waits'], part: number): number {
  const total = [...waits.values()].reduce((sum, count) => sum + count, 0)
  let seen = 0
  for (const tenths of [...waits.keys()].sort((one, other) => one - other)) {
    seen += waits.get(tenths) ?? 0
    if (seen >= part * total) return tenths / 10
  }
  return 0
}

function partOver(waits: World['waits'], secondsMax: number): number {
  let [over, total] = [0, 0]
  for (const [tenths, count] of waits) {
    total += count
    if (tenths / 10 > secondsMax) over += count
  }
  return over / total
}

const backlogOf = (world: World) => world.slots.reduce((sum, slot) => sum + slot.waiting, 0)

/**
 * The highest load, as a part of what all cells work together, at which 99 of 100 events wait less than a second: the
 * median of five ways to spread customers.
 */
function highestLoad(given: { cells: number; slots: number; spread: 'by-hash' | 'by-load'; seed: number }): number {
  const found = Array.from({ length: 5 }, (_, at) => {
    let best = 0
    for (let load = 0.3; load < 0.99; load += 0.05) {
      const world = worldOf({ ...given, load, seed: given.seed + at })
      run(world, WARM_S)
      world.waits.clear()
      run(world, 20)
      if (percentile(world.waits, 0.99) >= 1) break
      best = load
    }
    return best
  })
  return median(found)
}

/** A cell more: slots go over, so many at a time from each cell that gives, each paused while its unfinished rows are copied. */
function addCell(given: { load: number; atOnce: number; pauseS: number; seed: number }): string[] {
  const world = worldOf({ cells: 4, slots: 1024, spread: 'by-load', load: given.load * 1.25, seed: given.seed })
  run(world, WARM_S)
  world.cellsBackS.push(0)
  const cells = world.cellsBackS.length
  const target = world.slots.reduce((sum, slot) => sum + slot.rate, 0) / cells
  const loadOf = (cell: number) =>
    world.slots.filter((slot) => slot.cell === cell).reduce((sum, slot) => sum + slot.rate, 0)
  let moved = 0
  world.waits.clear()
  const tookS = run(world, 3600, () => {
    const isMoving = world.slots.some((slot) => world.nowS < slot.pausedUntilS)
    if (isMoving) return false
    for (let from = 0; from < cells - 1; from++) {
      const excess = loadOf(from) - target
      // Only quiet and middling slots: a loud one would wait for its pause, and so would all of its customers.
      const going = world.slots
        .filter((slot) => slot.cell === from && slot.rate < excess)
        .sort((one, other) => other.rate - one.rate)
        .slice(0, excess > 0.02 * target ? given.atOnce : 0)
      for (const slot of going) {
        if (loadOf(cells - 1) >= target) break
        slot.cell = cells - 1
        slot.pausedUntilS = world.nowS + given.pauseS
        moved++
      }
    }
    return !world.slots.some((slot) => world.nowS < slot.pausedUntilS)
  })
  // Until those that were paused last are served.
  run(world, 10)
  return [
    `${figure(given.load * 100)} %`,
    String(given.atOnce),
    String(moved),
    seconds(tookS),
    `${figure(partOver(world.waits, 0.5) * 100)} %`,
    seconds(percentile(world.waits, 1)),
  ]
}

const LOOKED_AT_S = 7200

/** A cell is lost. Its events wait in the log until it is back; or the other cells take its slots over. */
function loseCell(given: { load: number; awayS: number; takenOverAfterS: number | null; seed: number }): string[] {
  const world = worldOf({ cells: 4, slots: 1024, spread: 'by-load', load: given.load, seed: given.seed })
  run(world, WARM_S)
  const lost = 0
  const usual = backlogOf(world)
  const startS = world.nowS
  world.cellsBackS[lost] = startS + given.awayS
  const own = new Set(world.slots.filter((slot) => slot.cell === lost))
  let most = 0
  let othersWorst = 0
  const tookS = run(world, LOOKED_AT_S, () => {
    const sinceS = world.nowS - startS
    if (sinceS >= given.awayS) for (const slot of own) slot.cell = lost
    else if (given.takenOverAfterS !== null && sinceS >= given.takenOverAfterS)
      for (const [at, slot] of [...own].entries()) slot.cell = 1 + (at % 3)
    most = Math.max(most, backlogOf(world))
    for (const slot of world.slots)
      if (!own.has(slot) && slot.queue[0] !== undefined)
        othersWorst = Math.max(othersWorst, world.nowS - slot.queue[0].atS)
    const isServed = given.takenOverAfterS !== null || sinceS > given.awayS
    return isServed && sinceS > 5 && backlogOf(world) <= usual + CELL_RATE * STEP_S
  })
  const isDone = tookS < LOOKED_AT_S - STEP_S
  return [
    `${figure(given.load * 100)} %`,
    seconds(given.awayS),
    given.takenOverAfterS === null ? 'wait' : `taken over after ${given.takenOverAfterS} s`,
    figure(most),
    isDone ? seconds(tookS) : 'never',
    seconds(othersWorst),
  ]
}

function seconds(value: number): string {
  return `${figure(Math.round(value * 10) / 10)} s`
}

function table(head: string[], rows: string[][]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n')
}

const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' } } })
const seed = Number(values.seed)
const parts = [
  table(
    ['cells', '64 slots by hash', '1,024 by hash', '1,024 by load'],
    [1, 2, 4, 8, 16].map((cells) => [
      String(cells),
      ...(
        [
          [64, 'by-hash'],
          [1024, 'by-hash'],
          [1024, 'by-load'],
        ] as const
      ).map(([slots, how]) => {
        const load = highestLoad({ cells, slots, spread: how, seed })
        return `${figure(load * 100)} %: ${figure(load * cells * CELL_RATE)}/s`
      }),
    ]),
  ),
  table(
    ['load of five', 'slots at once', 'moved', 'until even', 'events that waited over 0.5 s', 'longest wait'],
    [0.5, 0.7].flatMap((load) => [1, 8, 1000].map((atOnce) => addCell({ load, atOnce, pauseS: 3, seed }))),
  ),
  table(
    ['load', 'away', 'its slots', 'most waiting', 'until worked off', "others' longest wait"],
    [0.5, 0.7, 0.85].flatMap((load) => [
      loseCell({ load, awayS: 30, takenOverAfterS: null, seed }),
      loseCell({ load, awayS: 600, takenOverAfterS: null, seed }),
      loseCell({ load, awayS: 600, takenOverAfterS: 30, seed }),
    ]),
  ),
]
console.log(parts.join('\n\n'))
