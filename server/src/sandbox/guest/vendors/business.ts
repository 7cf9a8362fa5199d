import type { RequestLocator, Scheme, Schemes } from './scheme.ts'

/** The raw body under HMAC with SHA-256. */
function plain(
  name: string,
  at: NonNullable<Scheme['at']>,
  {
    secret,
    source,
    id = [],
    ...more
  }: { secret: string; source: string; id?: readonly RequestLocator[] } & Partial<Scheme>,
): Scheme {
  return { name, at, takes: { secret }, id, source, checked: null, ...more }
}

const WEBHOOK = 'secret of the webhook'
const STAMPED = { pairs: { between: ',', fields: ['v1'] }, signed: '{pair:t}.{body}' } as const

/** Vendors of what businesses run on: hiring, pay, banking, sales, building and shipping. From their documentation alone. */
export const BUSINESS: Schemes = {
  close: plain('Close', 'header:close-sig-hash', {
    key: 'hex',
    signed: '{header:close-sig-timestamp}{body}',
    time: { at: 'header:close-sig-timestamp', unit: 's', tolerance: 300 },
    secret: 'signature key of the webhook subscription (hex)',
    id: ['json:event.id'],
    source: 'https://developer.close.com/topics/webhooks/',
  }),
  attio: plain('Attio', 'header:attio-signature', {
    secret: WEBHOOK,
    id: ['header:idempotency-key'],
    source: 'https://docs.attio.com/rest-api/guides/webhooks',
  }),
  openPhone: plain('Quo (OpenPhone)', 'header:openphone-signature', {
    between: ';',
    encoding: 'base64',
    key: 'base64',
    signed: '{pair:2}.{body}',
    time: { at: 'pair:2', unit: 'ms', tolerance: 300 },
    secret: 'signing secret of the webhook (base64)',
    id: ['json:id'],
    source: 'https://www.quo.com/docs/mdx/api-reference/webhooks',
  }),
  todoist: plain('Todoist', 'header:x-todoist-hmac-sha256', {
    encoding: 'base64',
    secret: 'client secret of the app',
    id: ['header:x-todoist-delivery-id'],
    source: 'https://developer.todoist.com/api/v1/#tag/Webhooks',
  }),
  shortcut: plain('Shortcut', 'header:payload-signature', {
    secret: WEBHOOK,
    id: ['json:id'],
    source: 'https://developer.shortcut.com/api/webhook/v1',
  }),
  surveyMonkey: plain('SurveyMonkey', 'header:sm-signature', {
    hash: 'sha1',
    encoding: 'base64',
    key: 'text',
    secret: 'client id and client secret of the app, joined by &',
    id: ['json:event_id'],
    source: 'https://api.surveymonkey.com/v3/docs#webhook-callbacks',
  }),
  webex: plain('Webex', 'header:x-spark-signature', {
    hash: 'sha1',
    secret: WEBHOOK,
    id: ['json:id', 'json:data.id'],
    source: 'https://developer.webex.com/docs/webhooks',
  }),
  acuity: plain('Acuity Scheduling', 'header:x-acuity-signature', {
    encoding: 'base64',
    secret: 'API key of the account',
    source: 'https://developers.acuityscheduling.com/docs/webhooks',
    checked: 'acuityscheduling@0.1.9',
  }),
  pandaDoc: plain('PandaDoc', 'query:signature', {
    secret: 'shared key of the webhook',
    source: 'https://developers.pandadoc.com/docs/webhook-verification',
  }),
  tikTok: plain('TikTok', 'header:tiktok-signature', {
    pairs: { between: ',', fields: ['s'] },
    signed: '{pair:t}.{body}',
    time: { at: 'pair:t', unit: 's', tolerance: 300 },
    secret: 'client secret of the app',
    source: 'https://developers.tiktok.com/doc/webhooks-verification',
  }),
  afterShip: plain('AfterShip', 'header:aftership-hmac-sha256', {
    encoding: 'base64',
    secret: WEBHOOK,
    id: ['json:event_id'],
    source: 'https://www.aftership.com/docs/tracking/webhook/webhook-signature',
  }),
  fastSpring: plain('FastSpring', 'header:x-fs-signature', {
    encoding: 'base64',
    secret: 'HMAC SHA256 secret of the webhook',
    id: ['json:events.0.id'],
    source: 'https://developer.fastspring.com/reference/message-security',
  }),
  sonarQube: plain('SonarQube', 'header:x-sonar-webhook-hmac-sha256', {
    secret: WEBHOOK,
    id: ['json:taskId'],
    source: 'https://docs.sonarsource.com/sonarqube-server/project-administration/webhooks/',
  }),
  snyk: plain('Snyk', 'header:x-hub-signature', {
    prefix: 'sha256=',
    secret: WEBHOOK,
    id: ['header:x-snyk-transport-id'],
    source: 'https://docs.snyk.io/snyk-api/using-specific-snyk-apis/webhooks-apis/validating-payloads',
  }),
  terraform: plain('HCP Terraform', 'header:x-tfe-notification-signature', {
    hash: 'sha512',
    secret: 'token of the notification',
    id: ['json:run_id', 'json:notifications.0.trigger', 'json:notifications.0.run_updated_at'],
    source:
      'https://developer.hashicorp.com/terraform/cloud-docs/api-docs/notification-configurations#notification-authenticity',
  }),
  npm: plain('npm hooks', 'header:x-npm-signature', {
    prefix: 'sha256=',
    secret: 'secret of the hook',
    source: 'https://github.com/npm/registry/blob/main/docs/hooks/endpoints.md',
  }),
  launchDarkly: plain('LaunchDarkly', 'header:x-ld-signature', {
    secret: WEBHOOK,
    id: ['json:_id'],
    source: 'https://launchdarkly.com/docs/home/infrastructure/webhooks',
  }),
  planetScale: plain('PlanetScale', 'header:x-planetscale-signature', {
    secret: WEBHOOK,
    source: 'https://planetscale.com/docs/api/webhooks',
  }),
  logto: plain('Logto', 'header:logto-signature-sha-256', {
    secret: 'signing key of the webhook',
    source: 'https://docs.logto.io/developers/webhooks/secure-webhooks',
  }),
  commerceLayer: plain('Commerce Layer', 'header:x-commercelayer-signature', {
    encoding: 'base64',
    secret: 'shared secret of the webhook',
    source: 'https://docs.commercelayer.io/core/callbacks-security',
  }),
  hookdeck: plain('Hookdeck', ['header:x-hookdeck-signature', 'header:x-hookdeck-signature-2'], {
    encoding: 'base64',
    secret: 'signing secret of the project',
    id: ['header:x-hookdeck-eventid'],
    source: 'https://hookdeck.com/docs/authentication#hookdeck-webhook-signature-verification',
    checked: '@hookdeck/sdk@0.4.0',
  }),
  mailerLite: plain('MailerLite', 'header:signature', {
    secret: WEBHOOK,
    source: 'https://developers.mailerlite.com/docs/webhooks.html#security',
  }),
  mailerSend: plain('MailerSend', 'header:signature', {
    secret: 'signing secret of the webhook',
    id: ['json:data.id'],
    source: 'https://developers.mailersend.com/api/v1/webhooks.html#security',
  }),
  sumsub: plain('Sumsub', 'header:x-payload-digest', {
    hashBy: {
      at: 'header:x-payload-digest-alg',
      find: /.*/,
      means: { HMAC_SHA1_HEX: 'sha1', HMAC_SHA256_HEX: 'sha256', HMAC_SHA512_HEX: 'sha512' },
    },
    secret: 'secret key of the webhook',
    id: ['json:correlationId', 'json:type'],
    source: 'https://docs.sumsub.com/docs/webhook-manager#verify-webhook-sender',
  }),
  veriff: plain('Veriff', 'header:x-hmac-signature', {
    secret: 'shared secret of the integration',
    id: ['json:verification.id', 'json:verification.status'],
    source: 'https://devdocs.veriff.com/docs/hmac-authentication-and-endpoint-security',
  }),
  checkr: plain('Checkr', 'header:x-checkr-signature', {
    secret: 'API key of the account',
    id: ['json:id'],
    source: 'https://docs.checkr.com/#section/Webhooks',
  }),
  ashby: plain('Ashby', 'header:ashby-signature', {
    prefix: 'sha256=',
    secret: 'secret token of the webhook',
    source: 'https://developers.ashbyhq.com/docs/authenticating-webhooks',
  }),
  workable: plain('Workable', 'header:x-workable-signature', {
    secret: 'client token of the subscription',
    id: ['json:id'],
    source: 'https://workable.readme.io/reference/webhooks',
  }),
  gusto: plain('Gusto', 'header:x-gusto-signature', {
    secret: 'verification token of the subscription',
    id: ['json:uuid'],
    source: 'https://docs.gusto.com/embedded-payroll/docs/webhooks',
  }),
  bambooHr: plain('BambooHR', 'header:x-bamboohr-signature', {
    signed: '{body}{header:x-bamboohr-timestamp}',
    time: { at: 'header:x-bamboohr-timestamp', unit: 's', tolerance: 300 },
    secret: 'private key of the webhook',
    source: 'https://documentation.bamboohr.com/docs/webhooks',
  }),
  deel: plain('Deel', 'header:x-deel-signature', {
    signed: 'POST{body}',
    secret: 'signing key of the webhook',
    id: ['header:x-deel-hmac-label', 'json:data.meta.tracking_id'],
    source: 'https://developer.deel.com/docs/webhooks',
  }),
  merge: plain('Merge', 'header:x-merge-webhook-signature', {
    encoding: 'base64url',
    secret: 'signature key of the account',
    id: ['json:hook.id', 'json:data.id'],
    source: 'https://docs.merge.dev/guides/webhooks/webhook-security/',
  }),
  mercury: plain('Mercury', 'header:mercury-signature', {
    ...STAMPED,
    time: { at: 'pair:t', unit: 's', tolerance: 300 },
    secret: WEBHOOK,
    id: ['json:id'],
    source: 'https://docs.mercury.com/docs/webhooks',
  }),
  teller: plain('Teller', 'header:teller-signature', {
    ...STAMPED,
    time: { at: 'pair:t', unit: 's', tolerance: 180 },
    secret: 'signing secret of the application',
    id: ['json:id'],
    source: 'https://teller.io/docs/api/webhooks',
  }),
  unit: plain('Unit', 'header:x-unit-signature', {
    hash: 'sha1',
    encoding: 'base64',
    secret: 'token of the webhook',
    id: ['json:data.0.id'],
    source: 'https://www.unit.co/docs/api/webhooks/#securing-your-webhooks',
  }),
  column: plain('Column', 'header:column-signature', {
    secret: 'secret of the webhook endpoint',
    id: ['json:id'],
    source: 'https://column.com/docs/events-and-webhooks/verifying-signatures',
  }),
  nowPayments: plain('NOWPayments', 'header:x-nowpayments-sig', {
    hash: 'sha512',
    signed: '{sortedJson}',
    secret: 'IPN secret key',
    id: ['json:payment_id', 'json:payment_status'],
    source: 'https://documenter.getpostman.com/view/7907941/2s93JusNJt#webhooks',
  }),
  midtrans: plain('Midtrans', 'json:signature_key', {
    engine: 'digest',
    hash: 'sha512',
    signed: '{json:order_id}{json:status_code}{json:gross_amount}{secret}',
    secret: 'server key of the account',
    id: ['json:transaction_id', 'json:transaction_status'],
    source: 'https://docs.midtrans.com/docs/https-notification-webhooks#verifying-notification-authenticity',
  }),
  xendit: plain('Xendit', 'header:x-callback-token', {
    engine: 'token',
    secret: 'webhook verification token of the account',
    id: ['header:webhook-id'],
    source: 'https://docs.xendit.co/docs/handling-webhooks',
  }),
  btcPay: plain('BTCPay Server', 'header:btcpay-sig', {
    prefix: 'sha256=',
    secret: WEBHOOK,
    id: ['json:originalDeliveryId', 'json:deliveryId'],
    source: 'https://docs.btcpayserver.org/API/Greenfield/v1/#tag/Webhooks',
  }),
  tebex: plain('Tebex', 'header:x-signature', {
    signed: '{sha256Body}',
    secret: 'secret of the webhook endpoint',
    id: ['json:id'],
    source: 'https://docs.tebex.io/developers/webhooks/overview',
  }),
  sinch: plain('Sinch (Conversation)', 'header:x-sinch-webhook-signature', {
    encoding: 'base64',
    signed: '{body}.{header:x-sinch-webhook-signature-nonce}.{header:x-sinch-webhook-signature-timestamp}',
    time: { at: 'header:x-sinch-webhook-signature-timestamp', unit: 's', tolerance: 300 },
    secret: WEBHOOK,
    id: ['header:x-sinch-webhook-signature-nonce'],
    source: 'https://developers.sinch.com/docs/conversation/callbacks/#validating-callbacks',
    checked: '@sinch/sdk-client@1.5.0',
  }),
  sendbird: plain('Sendbird', 'header:x-sendbird-signature', {
    secret: 'master API token of the application',
    source: 'https://sendbird.com/docs/chat/platform-api/v3/webhook/webhook-overview',
  }),
  whoop: plain('WHOOP', 'header:x-whoop-signature', {
    encoding: 'base64',
    signed: '{header:x-whoop-signature-timestamp}{body}',
    time: { at: 'header:x-whoop-signature-timestamp', unit: 'ms', tolerance: 300 },
    secret: 'client secret of the app',
    id: ['json:trace_id'],
    source: 'https://developer.whoop.com/docs/developing/webhooks/',
  }),
  terra: plain('Terra', 'header:terra-signature', {
    ...STAMPED,
    time: { at: 'pair:t', unit: 's', tolerance: 300 },
    secret: 'signing secret of the destination',
    source: 'https://docs.tryterra.co/docs/health-and-fitness-api/mobile-only-apis/webhooks',
    checked: 'terra-api@2.1.0',
  }),
  whereby: plain('Whereby', 'header:whereby-signature', {
    ...STAMPED,
    time: { at: 'pair:t', unit: 'ms', tolerance: 60 },
    secret: WEBHOOK,
    id: ['json:id'],
    source: 'https://docs.whereby.com/reference/webhook-security',
  }),
  cloudflareStream: plain('Cloudflare Stream', 'header:webhook-signature', {
    pairs: { between: ',', fields: ['sig1'] },
    signed: '{pair:time}.{body}',
    time: { at: 'pair:time', unit: 's', tolerance: 300 },
    secret: WEBHOOK,
    id: ['json:uid', 'json:status.state'],
    source: 'https://developers.cloudflare.com/stream/manage-video-library/using-webhooks/#verify-webhook-authenticity',
  }),
}
