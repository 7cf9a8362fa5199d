import {
  type HeldLock,
  type LockSession,
  type LockSessions,
  MEMBER,
  SESSION,
  SHARD,
} from '../../../server/src/platform/ownership-session.ts'
import type { Dice, Owner, Schedule } from './schedule.ts'
import { away } from './tables.ts'

interface Session {
  pid: number
  number: number
  isMember: boolean
  isOpen: boolean
  shards: Set<number>
  owner: Owner
  /** Sessions that its process lost before it. */
  onGone(): void
  onNotice(payload: string): void
}

/** Advisory locks and notices as PostgreSQL keeps them: they live and die with the session of a process. */
export class Locks {
  isFaulty = true
  readonly sessions = new Map<number, Session>()
  /** How often each process was told of the loss of its session, or the database had it. */
  readonly #losses = new Map<Owner, number>()
  readonly #schedule: Schedule
  readonly #dice: Dice
  #pid = 0

  constructor(schedule: Schedule, dice: Dice) {
    this.#schedule = schedule
    this.#dice = dice
  }

  hasNumber(number: number): boolean {
    return [...this.sessions.values()].some((each) => each.number === number)
  }

  /** Whether it has a session, as the database sees it. */
  isHeldBy(owner: Owner): boolean {
    return [...this.sessions.values()].some((each) => each.owner === owner)
  }

  lossesOf(owner: Owner): number {
    return this.#losses.get(owner) ?? 0
  }

  /** Breaks the session of a process: the database knows at once and the process later, or the other way round. */
  lose(owner: Owner): void {
    for (const session of [...this.sessions.values()].filter((each) => each.owner === owner)) {
      this.#count(owner)
      const isToldFirst = this.#dice() < 0.3
      const laterMs = this.#dice() * 6000
      this.#schedule.after(isToldFirst ? laterMs : 0, () => this.#close(session), null)
      this.#schedule.after(isToldFirst ? 0 : laterMs, () => session.onGone(), owner)
    }
  }

  /** Of a process that died: usually at once, of a machine that vanished after a while. */
  forget(owner: Owner): void {
    const afterMs = this.#dice() < 0.2 ? 8000 : this.#dice() * 5
    for (const session of this.sessions.values())
      if (session.owner === owner) this.#schedule.after(afterMs, () => this.#close(session), null)
  }

  #count(owner: Owner): void {
    this.#losses.set(owner, this.lossesOf(owner) + 1)
  }

  #close(session: Session): void {
    if (session.isOpen) this.#count(session.owner)
    session.isOpen = false
    this.sessions.delete(session.pid)
  }

  sessionsFor(owner: Owner): LockSessions {
    return {
      open: ({ number, isMember, onGone, onNotice }) =>
        this.#soon(owner, () => {
          this.#pid += 1
          const session: Session = {
            pid: this.#pid,
            number,
            isMember,
            isOpen: true,
            shards: new Set(),
            owner,
            onGone,
            onNotice,
          }
          this.sessions.set(session.pid, session)
          return this.#on(session)
        }),
      notify: (payload) =>
        this.#soon(owner, () => {
          for (const session of this.sessions.values())
            this.#schedule.after(this.#dice() * 5, () => session.isOpen && session.onNotice(payload), session.owner)
        }),
      notifyOnCommit: async () => {},
    }
  }

  #soon<T>(owner: Owner, work: () => T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>()
    const answer = () => {
      if (owner.isDead) return
      try {
        resolve(work())
      } catch (error) {
        reject(error)
      }
    }
    this.#schedule.after(0.2 + this.#dice() * 4, answer, owner)
    return promise
  }

  #on(session: Session): LockSession {
    const ask = <T>(work: () => T) => {
      if (this.isFaulty && this.#dice() < 0.004) this.lose(session.owner)
      return this.#soon(session.owner, () => {
        if (!session.isOpen) throw away()
        return work()
      })
    }
    return {
      held: () => ask(() => [...this.sessions.values()].flatMap(locksOf)),
      take: (shards) =>
        ask(() => {
          const taken = new Set([...this.sessions.values()].flatMap((each) => [...each.shards]))
          const free = shards.filter((shard) => !taken.has(shard))
          for (const shard of free) session.shards.add(shard)
          return free
        }),
      release: (shards) =>
        ask(() => {
          for (const shard of shards) session.shards.delete(shard)
        }),
      end: () => this.#soon(session.owner, () => this.#close(session)),
    }
  }
}

function locksOf({ pid, number, isMember, shards }: Session): HeldLock[] {
  return [
    { kind: SESSION, shard: number, pid },
    ...(isMember ? [{ kind: MEMBER, shard: 0, pid }] : []),
    ...[...shards].map((shard) => ({ kind: SHARD, shard, pid })),
  ]
}
