import { readFileSync, writeFileSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

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

/** Has a process run when nobody else on the machine wants the processor. */
export function yieldToOthers(pid: number): void {
  const lowest = constants.priority.PRIORITY_LOW
  // Where that is not allowed, or the process is gone already, it runs as the others do.
  attempt(() => setPriority(pid, lowest))
  // Being detached it has a session of its own, and Linux shares the processor out among sessions before it looks at
  // the priority of processes (sched(7), "The autogroup feature").
  attempt(() => writeFileSync(`/proc/${pid}/autogroup`, String(lowest)))
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {}
}
