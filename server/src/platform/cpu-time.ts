import { readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

/** Linux counts CPU time of processes in hundredths of a second. */
const MS_PER_TICK = 10

/** CPU time that a process has used, in milliseconds; null where the system does not tell. */
export function cpuMsOf(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [userTicks, systemTicks] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13)
      .map(Number)
    return ((userTicks ?? 0) + (systemTicks ?? 0)) * MS_PER_TICK
  } catch {
    return null
  }
}

/** Beside one other process that wants the processor it gets a quarter of it, or a tenth. */
const NICENESS = { little: 5, much: 10 }

/**
 * Has a process run after others that want the processor. None is left without any: what it computes would then take
 * for ever on a busy machine, and never be known to take long.
 */
export function yieldToOthers(pid: number, how: keyof typeof NICENESS): void {
  const low = NICENESS[how]
  // Where that is not allowed, or the process is gone already, it runs as the others do.
  attempt(() => setPriority(pid, low))
  // Being detached it has a session of its own, and Linux shares the processor out among sessions before it looks at
  // the priority of processes (sched(7), "The autogroup feature").
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(low)))
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {}
}
