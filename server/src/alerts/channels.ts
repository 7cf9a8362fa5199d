import type { Outbound } from '../outbound/client.ts'
import type { Mailer } from '../outbound/mail.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from '../platform/database.ts'
import { toWire } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Queue } from '../platform/queue.ts'
import type { Sealing } from '../platform/sealing.ts'
import type { Alert } from './alert.ts'
import { type AlertSettings, alertById, alertSettingsOf } from './store.ts'

const TASK = 'tell-of-alert'
/** What could not be told by then is old news. */
const GIVE_UP_MS = 3_600_000

export type ChannelName = 'mail' | 'slack'
type Happening = 'opened' | 'resolved'

interface TellJob {
  workspaceId: string
  alertId: string
  channel: ChannelName
  happening: Happening
  at: string
}

type Told = { isDelivered: true } | { isDelivered: false; isFinal: boolean; error: string }

/** Tells people of alerts by mail and by a Slack-compatible webhook. */
export interface Channels {
  /** In the transaction of what happened. */
  tell(tx: Tx, alert: Alert, happening: Happening): Promise<void>
  test(workspaceId: string): Promise<{ channel: ChannelName; isDelivered: boolean; error?: string }[]>
  readonly canMail: boolean
}

export interface ChannelsOptions {
  database: Database
  clock: Clock
  queue: Queue
  log: Log
  outbound: Outbound
  sealing: Sealing
  /** Null where the operator set no mail server. */
  mailer: Mailer | null
  workspaceUrlOf(tx: Tx, workspaceId: string): Promise<string>
}

export function createChannels(options: ChannelsOptions): Channels {
  const { database, clock, queue, log, sealing, mailer, workspaceUrlOf } = options

  const wantedBy = (settings: AlertSettings): ChannelName[] => [
    ...(settings.mailTo.length > 0 && mailer !== null ? (['mail'] as const) : []),
    ...(settings.slackUrlSealed === null ? [] : (['slack'] as const)),
  ]

  async function send(channel: ChannelName, settings: AlertSettings, message: Message): Promise<Told> {
    if (channel === 'mail') {
      if (mailer === null || settings.mailTo.length === 0) return { isDelivered: true }
      const outcome = await mailer.send({
        to: settings.mailTo,
        subject: message.title,
        text: [message.text, message.url].join('\n\n'),
      })
      return outcome.isSent ? { isDelivered: true } : { ...outcome, isDelivered: false }
    }
    if (settings.slackUrlSealed === null) return { isDelivered: true }
    const outcome = await options.outbound.send({
      url: sealing.open(settings.slackUrlSealed),
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ text: slackText(message) })),
      responseBytesMax: 64 * 1024,
    })
    if (outcome.kind === 'answered' && outcome.status >= 200 && outcome.status < 300) return { isDelivered: true }
    if (outcome.kind === 'answered')
      return {
        isDelivered: false,
        isFinal: outcome.status < 500 && outcome.status !== 429,
        error: `the webhook answered ${outcome.status}: ${outcome.body.toString('utf8').slice(0, 200)}`,
      }
    return {
      isDelivered: false,
      isFinal: outcome.kind === 'forbidden',
      error: `the webhook was not reached: ${outcome.kind}`,
    }
  }

  async function doJob(job: TellJob): Promise<void> {
    const alert = await alertById(database.db, job.workspaceId, job.alertId)
    if (alert === null) return
    const settings = await alertSettingsOf(database.db, job.workspaceId)
    const told = await send(
      job.channel,
      settings,
      messageOf(alert, job.happening, await workspaceUrlOf(database.db, job.workspaceId)),
    )
    if (told.isDelivered) return
    const isLate = clock.now().getTime() - Date.parse(job.at) > GIVE_UP_MS
    if (!told.isFinal && !isLate) throw new Error(`an alert could not be told by ${job.channel} yet: ${told.error}`)
    log.warn(
      { channel: job.channel, alert: toWire('alrt', alert.id), reason: told.error },
      'an alert could not be told',
    )
  }

  queue.handle({ [TASK]: doJob })
  return {
    canMail: mailer !== null,
    async tell(tx, alert, happening) {
      for (const channel of wantedBy(await alertSettingsOf(tx, alert.workspaceId))) {
        const { workspaceId, id: alertId } = alert
        const at = clock.now().toISOString()
        await queue.add(tx, { task: TASK, payload: { workspaceId, alertId, channel, happening, at } satisfies TellJob })
      }
    },
    async test(workspaceId) {
      const settings = await alertSettingsOf(database.db, workspaceId)
      const message = {
        title: 'Permea: a test of alerts',
        text: 'This is how you will hear of alerts. Nothing is wrong.',
        url: `${await workspaceUrlOf(database.db, workspaceId)}/alerts`,
      }
      const channels = wantedBy(settings)
      if (settings.mailTo.length > 0 && mailer === null) channels.unshift('mail')
      return Promise.all(
        channels.map(async (channel) => {
          if (channel === 'mail' && mailer === null)
            return { channel, isDelivered: false, error: 'the operator set no mail server (PERMEA_SMTP_URL)' }
          const told = await send(channel, settings, message)
          return told.isDelivered ? { channel, isDelivered: true } : { channel, isDelivered: false, error: told.error }
        }),
      )
    },
  }
}

interface Message {
  title: string
  text: string
  url: string
}

function messageOf(alert: Alert, happening: Happening, workspaceUrl: string): Message {
  const { customerName, lastError } = alert.details ?? {}
  const subject = [alert.details?.contextName, customerName].filter((each) => each !== undefined).join(', ')
  return {
    title: `${happening === 'resolved' ? 'Resolved' : alert.severity === 'critical' ? 'Critical' : 'Warning'}: ${subject === '' ? alert.description : subject}`,
    text: lastError === undefined ? alert.description : `${alert.description}\nLast error: ${lastError.message}`,
    url: `${workspaceUrl}/alerts/${toWire('alrt', alert.id)}`,
  }
}

/** @source Slack's own format: three characters are escaped, a link is `<address|words>` */
function slackText({ title, text, url }: Message): string {
  const safe = (words: string) => words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return `*${safe(title)}*\n${safe(text)}\n<${url}|See it in the console>`
}
