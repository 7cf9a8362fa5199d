import { execFileSync } from 'node:child_process'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A file system of its own that can be filled to the last byte. */
export interface SmallDisk extends Disposable {
  readonly dir: string
  /** Takes what is free; call it again for what became free since. */
  fill(): void
  empty(): void
}

/** Needs root on Linux. */
export function mountSmallDisk(mebibytes: number): SmallDisk {
  const dir = mkdtempSync(path.join(tmpdir(), 'permea-disk-'))
  // Readable for the user that PostgreSQL runs as.
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mebibytes}m,mode=755`, 'permea-small-disk', dir])
  const ballast = path.join(dir, 'ballast')
  return {
    dir,
    fill() {
      for (const bytes of [1 << 20, 1 << 12]) while (isWritten(ballast, Buffer.alloc(bytes)));
    },
    empty() {
      writeFileSync(ballast, '')
    },
    [Symbol.dispose]() {
      // What is still open there must not keep it.
      execFileSync('umount', ['--lazy', dir])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function isWritten(file: string, bytes: Buffer): boolean {
  try {
    appendFileSync(file, bytes)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
