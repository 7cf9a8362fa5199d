import { Skeleton } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { type AnswerOf, permea, wordsOf } from '../../api.ts'
import { ElementForm } from '../../forms/element-form.tsx'
import type { Field, Values } from '../../forms/fields.ts'
import { Failure } from '../../parts/failure.tsx'
import { HistoryLink } from '../../parts/history-link.tsx'
import { MayButton } from '../../parts/may-button.tsx'
import { Status } from '../../parts/status.tsx'
import { NewDrawer } from '../../records/new-drawer.tsx'

type Settings = AnswerOf<typeof permea.alertSettings.get>

const fieldsOf = (settings: Settings): readonly Field[] => [
  {
    name: 'flowFailures',
    label: 'A flow fails, in runs in a row',
    kind: 'number',
    required: true,
    section: 'How soon an alert opens',
    about: 'Of one customer. Runs that never come to the node that fails are left out.',
  },
  { name: 'backlogMinutes', label: 'Runs wait for their start, in minutes', kind: 'number', required: true },
  {
    name: 'deliveryFailingMinutes',
    label: 'Every delivery to an endpoint fails, in minutes',
    kind: 'number',
    required: true,
  },
  {
    name: 'mailTo',
    label: 'Mail to',
    kind: 'text',
    section: 'Who is told',
    placeholder: 'ops@example.com, oncall@example.com',
    about: settings.canMail
      ? 'When an alert opens and when it is over. Addresses with commas between them.'
      : 'No mail is sent before the operator sets PERMEA_SMTP_URL and PERMEA_MAIL_FROM.',
  },
  {
    name: 'slackWebhookUrl',
    label: 'Slack-compatible webhook',
    kind: 'text',
    isSecret: true,
    placeholder: settings.slackWebhookHost === undefined ? 'https://hooks.slack.com/services/…' : 'A new address',
    about:
      settings.slackWebhookHost === undefined
        ? 'Slack, Mattermost and Rocket.Chat have such addresses. It is sealed and not shown again.'
        : `Messages go to ${settings.slackWebhookHost}. The address is sealed and not shown again.`,
  },
]

const shownOf = ({ mailTo, ...settings }: Settings): Values => ({ ...settings, mailTo: mailTo.join(', ') })

function bodyOf({ mailTo, ...body }: Values): Values {
  if (mailTo === undefined) return body
  const addresses = String(mailTo ?? '').split(/[,;\s]+/)
  return { ...body, mailTo: addresses.filter((each) => each !== '') }
}

/** How soon alerts open, and who is told of them. */
export function AlertSettings() {
  const found = useQuery({ queryKey: ['alert-settings'], queryFn: () => permea.alertSettings.get() })
  const settings = found.data
  return (
    <NewDrawer title="How soon, and who is told" path="alerts">
      {found.error !== null && <Failure error={found.error} onRetry={() => void found.refetch()} />}
      {settings === undefined ? (
        <Skeleton height={240} />
      ) : (
        <div className="stack">
          <HistoryLink of={{ elementType: 'alert-setting' }} />
          <ElementForm
            needs="alertSettings.patch"
            draft="alerts/settings"
            fields={fieldsOf(settings)}
            of={shownOf(settings)}
            isNew={false}
            save={(body) => permea.alertSettings.patch({ body: bodyOf(body) })}
          />
          <TestChannels hasChannels={settings.mailTo.length > 0 || settings.slackWebhookHost !== undefined} />
        </div>
      )}
    </NewDrawer>
  )
}

function TestChannels({ hasChannels }: { hasChannels: boolean }) {
  const testing = useMutation({ mutationFn: () => permea.alertSettings.test() })
  return (
    <div className="stack">
      <div>
        <MayButton
          needs="alertSettings.test"
          variant="default"
          disabled={!hasChannels}
          loading={testing.isPending}
          onClick={() => testing.mutate()}
        >
          Send a test
        </MayButton>
      </div>
      {testing.error !== null && <p className="exchange-error">{wordsOf(testing.error)}</p>}
      <ul className="plain-list" aria-label="How the test went">
        {testing.data?.items.map((each) => (
          <li key={each.channel}>
            <span>
              {each.channel === 'mail' ? 'Mail' : 'Webhook'}
              {each.error !== undefined && <div className="exchange-error">{each.error}</div>}
            </span>
            <Status of={each.isDelivered ? 'success' : 'failed'} label={each.isDelivered ? 'sent' : 'not sent'} />
          </li>
        ))}
      </ul>
    </div>
  )
}
