import { setFlagsFromString } from 'node:v8'

/**
 * Has this process give memory back early. By default the heap may grow to several times what is alive before it is
 * collected, and more so the more memory the machine has; here it grows by half, and what is short-lived has 8 MB.
 * Best called before much is allocated.
 *
 * @source decision 0007: RSS under sustained load 208 MiB instead of 431, at no measurable cost
 */
export function keepHeapSmall(): void {
  for (const flag of FLAGS) setFlagsFromString(flag)
}

const FLAGS = ['--heap-growing-percent=50', '--semi-space-growth-factor=1', '--max-semi-space-size=8']
