import type { CloudAddress, EventBridgeAddress, SnsAddress, SqsAddress } from './address.ts'
import { type Login, refusedFailure } from './broker.ts'
import { baseOf, type CloudKind, type CloudRequest, jsonOf, wordOf } from './cloud.ts'

/**
 * SendMessage. Headers are attributes of the message; a queue that keeps an order knows the message again by its id.
 *
 * @source Amazon SQS API Reference, "SendMessage" (AWS JSON 1.0)
 */
export const SQS: CloudKind<SqsAddress> = {
  request: (address, login, { id, headers, body }) =>
    signed(address, login, {
      service: 'sqs',
      url: `${baseOf(address)}/`,
      headers: { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' },
      body: JSON.stringify({
        QueueUrl: `${baseOf(address).replace(/:(?:443|80)$/, '')}${address.queue}`,
        MessageBody: body,
        MessageAttributes: Object.fromEntries(
          Object.entries(headers).map(([name, StringValue]) => [name, { DataType: 'String', StringValue }]),
        ),
        ...(address.group === null ? {} : { MessageGroupId: address.group, MessageDeduplicationId: id }),
      }),
    }),
  receipt(answer) {
    const { MessageId, SequenceNumber } = jsonOf(answer)
    return {
      messageId: taken(MessageId),
      ...(SequenceNumber === undefined ? {} : { sequence: wordOf(SequenceNumber) }),
    }
  },
  problem: jsonProblem,
}

/**
 * Publish. Headers are attributes of the message.
 *
 * @source Amazon SNS API Reference, "Publish" (AWS Query)
 */
export const SNS: CloudKind<SnsAddress> = {
  request(address, login, { id, headers, body }) {
    const attributes = Object.entries(headers).flatMap(([name, value], at): [string, string][] => {
      const entry = `MessageAttributes.entry.${at + 1}`
      return [
        [`${entry}.Name`, name],
        [`${entry}.Value.DataType`, 'String'],
        [`${entry}.Value.StringValue`, value],
      ]
    })
    const { topic, group } = address
    const inOrder: [string, string][] =
      group === null
        ? []
        : [
            ['MessageGroupId', group],
            ['MessageDeduplicationId', id],
          ]
    return signed(address, login, {
      service: 'sns',
      url: `${baseOf(address)}/`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams([
        ['Action', 'Publish'],
        ['Version', '2010-03-31'],
        ['TopicArn', topic],
        ['Message', body],
        ...attributes,
        ...inOrder,
      ]).toString(),
    })
  },
  receipt: (answer) => ({ messageId: taken(elementOf(answer, 'MessageId')) }),
  problem: (answer) => ({ code: elementOf(answer, 'Code'), words: elementOf(answer, 'Message') }),
}

/**
 * PutEvents. Events have no headers, so the detail holds both: `{ "headers": …, "body": … }`.
 *
 * @source Amazon EventBridge API Reference, "PutEvents" (AWS JSON 1.1)
 */
export const EVENT_BRIDGE: CloudKind<EventBridgeAddress> = {
  request: (address, login, { type, headers, body }) =>
    signed(address, login, {
      service: 'events',
      url: `${baseOf(address)}/`,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': 'AWSEvents.PutEvents' },
      body: JSON.stringify({
        Entries: [
          {
            EventBusName: address.bus,
            Source: address.source,
            DetailType: (address.detailType ?? type).slice(0, 128),
            // The body as it was written, so that no number changes on the way.
            Detail: `{"headers":${JSON.stringify(headers)},"body":${body}}`,
          },
        ],
      }),
    }),
  receipt(answer) {
    const { Entries } = jsonOf(answer)
    const [entry] = Array.isArray(Entries) ? (Entries as Record<string, unknown>[]) : []
    if (entry?.ErrorCode !== undefined)
      throw refusedFailure('refused', `${wordOf(entry.ErrorCode)}: ${wordOf(entry.ErrorMessage).slice(0, 300)}`)
    return { eventId: taken(entry?.EventId) }
  },
  problem: jsonProblem,
}

function taken(id: unknown): string {
  if (typeof id === 'string' && id !== '') return id
  throw refusedFailure('refused', 'the answer does not say that the message was taken')
}

function jsonProblem(answer: string) {
  const said = jsonOf(answer)
  return { code: wordOf(said.__type).replace(/^.*#/, ''), words: wordOf(said.message ?? said.Message) }
}

function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ''
}

/** A request with Signature Version 4. */
async function signed(
  address: Exclude<CloudAddress, { kind: 'pubsub' }>,
  login: Login | null,
  request: { service: string; url: string; headers: Record<string, string>; body: string },
): Promise<CloudRequest> {
  if (login === null || 'token' in login || login.user === '' || login.password === '')
    throw refusedFailure('unauthorized', 'an access key is needed: its id as the user, the secret as the password')
  const { AwsV4Signer } = await import('aws4fetch')
  const { service, ...rest } = request
  const signer = new AwsV4Signer({
    ...{ ...rest, service, method: 'POST', region: address.region },
    accessKeyId: login.user,
    secretAccessKey: login.password,
  })
  const { headers } = await signer.sign()
  const { host: _host, ...sent } = Object.fromEntries(headers)
  return { url: request.url, headers: sent, body: request.body }
}
