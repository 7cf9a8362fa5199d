import { Cron } from 'croner'

const EVERY = /^every (\d{1,6}) minutes$/

/** A schedule of an interval, as it is kept beside those of cron expressions; what is no interval stays as it is. */
export function everyMinutes(minutes: number): unknown {
  return Number.isInteger(minutes) && minutes >= 1 && minutes <= 999_999 ? `every ${minutes} minutes` : minutes
}

export function isEveryMinutes(schedule: unknown): schedule is string {
  return typeof schedule === 'string' && EVERY.test(schedule)
}

/** The first time of a schedule after `after`; null where it never comes again. */
export function nextTime(schedule: string, timeZone: string, after: Date): Date | null {
  const minutes = Number(EVERY.exec(schedule)?.[1])
  if (minutes > 0) return new Date(after.getTime() + minutes * 60_000)
  return new Cron(schedule, { timezone: timeZone, paused: true }).nextRun(after)
}
