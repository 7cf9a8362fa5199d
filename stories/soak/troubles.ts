import { type EngineProcess, type PostgresProcess, pause } from '@permea/testkit'
import type { Application } from './application.ts'

export interface Scene {
  /** The first is killed all the time, the second about twice an hour, so that one can see what it grows to. */
  engines: readonly [EngineProcess, EngineProcess]
  postgres: PostgresProcess
  application: Application
}

/** What happens to a scene, and lasts for as long as it takes to be over. */
interface Trouble {
  name: string
  /** Events wait for minutes after it: nothing of the kind in the last minutes. */
  isSlowToMend?: boolean
  cause(scene: Scene): Promise<void>
}

const AWAY_MS = 20_000
const DATABASE_AWAY_MS = 3_000

const killed = (which: 0 | 1): Trouble => ({
  name: `engine ${which + 1} killed`,
  async cause({ engines }) {
    await engines[which].kill('SIGKILL')
    await engines[which].start()
  },
})
const stopped = (which: 0 | 1): Trouble => ({
  name: `engine ${which + 1} stopped`,
  async cause({ engines }) {
    await engines[which].kill('SIGTERM')
    await engines[which].start()
  },
})
const restarted = (mode: 'fast' | 'immediate'): Trouble => ({
  name: mode === 'fast' ? 'PostgreSQL restarted' : 'PostgreSQL crashed',
  async cause({ postgres }) {
    await postgres.stop(mode)
    await pause(DATABASE_AWAY_MS)
    await postgres.start()
  },
})
const away: Trouble = {
  name: 'application away',
  isSlowToMend: true,
  async cause({ application }) {
    await application.close()
    await pause(AWAY_MS)
    await application.open()
  },
}
const failing: Trouble = {
  name: 'application failing',
  isSlowToMend: true,
  async cause({ application }) {
    application.fail()
    await pause(AWAY_MS)
    await application.open()
  },
}
const bothKilled: Trouble = {
  name: 'both engines killed',
  async cause({ engines }) {
    await Promise.all(engines.map((engine) => engine.kill('SIGKILL')))
    await Promise.all(engines.map((engine) => engine.start()))
  },
}

/** By turns; every fourth is of the database. */
export const TROUBLES: readonly Trouble[] = [
  killed(0),
  restarted('fast'),
  stopped(0),
  away,
  killed(0),
  restarted('immediate'),
  failing,
  stopped(0),
  bothKilled,
  restarted('immediate'),
  killed(0),
  stopped(1),
]

/** Colours of the picture, by who is in trouble. */
export const WHO = { engine: '#c2410c', PostgreSQL: '#1d4ed8', application: '#15803d' } as const

export function whoIsIn(name: string): keyof typeof WHO {
  return name.startsWith('PostgreSQL') ? 'PostgreSQL' : name.startsWith('application') ? 'application' : 'engine'
}
