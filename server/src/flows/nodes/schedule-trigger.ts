import { Cron } from 'croner'
import { configOf, type NodeType, passOn } from '../node-type.ts'
import { everyMinutes, isEveryMinutes } from '../schedule.ts'

function scheduleOf(config: Record<string, unknown>): { cron: unknown; timeZone: unknown } {
  const { intervalMinutes } = config
  if (config.cron === undefined && config.schedule === undefined && intervalMinutes !== undefined)
    return {
      cron: typeof intervalMinutes === 'number' ? everyMinutes(intervalMinutes) : intervalMinutes,
      timeZone: 'UTC',
    }
  return { cron: config.cron ?? config.schedule, timeZone: config.timeZone ?? config.timezone ?? 'UTC' }
}

/**
 * Fires by the clock: `config.cron` (five fields, or six with seconds first) in `config.timeZone` (IANA name, UTC
 * where absent), or every `config.intervalMinutes`. The output is `{ scheduledAt, triggeredAt }`.
 */
const scheduleTrigger: NodeType = {
  type: 'schedule-trigger',
  isTrigger: true,
  hasEffect: false,
  check(node) {
    const { cron, timeZone } = scheduleOf(configOf(node))
    if (isEveryMinutes(cron)) return []
    if (cron === undefined || cron === '')
      return [
        { path: 'config.cron', message: 'a cron expression is needed, for example "0 9 * * 1"', isIncomplete: true },
      ]
    if (typeof cron !== 'string')
      return [{ path: 'config.intervalMinutes', message: 'a whole number of minutes, at least 1' }]
    if (typeof timeZone !== 'string')
      return [{ path: 'config.timeZone', message: 'a time zone is a name such as "Europe/Berlin"' }]
    try {
      new Intl.DateTimeFormat('en', { timeZone })
    } catch {
      return [{ path: 'config.timeZone', message: `there is no time zone ${JSON.stringify(timeZone)}` }]
    }
    try {
      const next = new Cron(cron, { timezone: timeZone, paused: true }).nextRun()
      return next === null ? [{ path: 'config.cron', message: 'this schedule never comes' }] : []
    } catch (error) {
      return [{ path: 'config.cron', message: (error as Error).message }]
    }
  },
  prepare: () => passOn,
  wish(node) {
    const { cron, timeZone } = scheduleOf(configOf(node))
    return { kind: 'schedule', cron: String(cron), timeZone: String(timeZone) }
  },
}

export default scheduleTrigger
