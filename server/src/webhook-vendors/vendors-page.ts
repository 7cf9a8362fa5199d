import type { WebhookVendor } from '@permea/contract'
import { HANDSHAKES } from '../sandbox/guest/vendors/handshakes.ts'

/** `docs/use/vendors.md`, from the data of the vendors; `command` prints it. */
export function vendorsPage(vendors: readonly WebhookVendor[], command: string): string {
  const example = vendors.find(({ key }) => key === 'slack')?.handle ?? ''
  return `<!-- Printed from server/src/sandbox/guest/vendors by \`${command}\`; change it there. -->

# Vendors

What \`permea:webhooks\` knows of ${vendors.length} vendors and schemes. A function begins with

\`\`\`js
${example.trimEnd()}
\`\`\`

\`GET /webhook-vendors\` has such a \`handle\` for every vendor, ready to be edited; the console's page *Vendors* makes an
external event type of one.

- \`verify.NAME({ request, … })\` throws a \`WebhookVerificationError\` where a request is not genuine; its \`reason\` is
  \`missing_signature\`, \`wrong_signature\`, \`missing_time\`, \`too_old\`, \`too_new\` or \`foreign_address\`. What it gives otherwise
  is \`{ id, signedAt, payload }\`. \`request\` is the argument of \`handle\`.
- It gives a promise where a key has to be fetched first. Write \`await\` always; a function that ends without waiting
  for a verification fails.
- A secret may be a list, while secrets are rolled: one that fits is enough.
- The age counts from when the request came in, so that a replay works. \`tolerance\` sets another one in seconds; false
  takes any.
- \`url\` is what the vendor has as the URL, where it signs that; it is the URL as requested unless you give another one.
- \`verify.with({ name, at: 'header:x-signature', … }, { request, secret })\` verifies by a row of your own; the fields are those of
  \`server/src/sandbox/guest/vendors/scheme.ts\`. \`signed\` is a template: places like \`{header:x-time}\`, \`{query:id}\` and \`{json:data.id}\`, and
  \`{body}\`, \`{url}\`, \`{method}\`, \`{path}\`, \`{sortedForm}\`, \`{sortedJson}\` (names in order), \`{sha256Body}\` (hex), \`{base64urlBody}\`.
- \`engine: 'jws'\` verifies tokens whose payload stands elsewhere, \`engine: 'message'\` the headers of RFC 9421;
  \`verify.httpMessageSignatures\` does so for whoever follows it. A public key may be PEM, a JWK, a key set, a list, or a
  function that is given the key’s id.

## Signatures

*Tolerance* is how old a request may be. *Event id* is what is the same when the vendor sends an event again; use it for
de-duplication. *Checked with* is the package that signed, or took, what the tests send; – where the row follows the
vendor's documentation alone.

| Vendor | Function | Scheme | Give | Tolerance | Event id | Handshake | Connector | Checked with |
|---|---|---|---|---|---|---|---|---|
${vendors.map(row).join('\n')}

## Handshakes

\`handshakes.NAME({ request, … })\` gives what \`handle\` has to return where the request is a handshake, null where it is none.

| Function | Vendor | When | Recognized by | Give | Within | Checked with |
|---|---|---|---|---|---|---|
${Object.entries(HANDSHAKES).map(handshakeRow).join('\n')}
`
}

function row(vendor: WebhookVendor): string {
  const takes = Object.entries(vendor.takes).map(([option, what]) => `\`${option}\`: ${what}`)
  const cells = [
    `[${vendor.name}](${vendor.source})`,
    `\`verify.${vendor.key}\``,
    vendor.scheme + (vendor.answer === null ? '' : `; wants ${vendor.answer}`),
    takes.join('; ') || '–',
    vendor.toleranceSeconds === null ? '–' : `${vendor.toleranceSeconds} s`,
    vendor.eventId.join(' + ') || '–',
    vendor.handshake === null ? '–' : `\`handshakes.${vendor.handshake.key}\``,
    vendor.connectorKey === null ? '–' : `\`${vendor.connectorKey}\``,
    vendor.checked ?? '–',
  ]
  return line(cells)
}

function handshakeRow([key, handshake]: [string, (typeof HANDSHAKES)[string]]): string {
  const { method, at, is } = handshake
  const by = [
    method,
    at === undefined ? '' : `\`${at}\`${is === undefined ? '' : ` is ${is === '' ? 'an empty list' : is}`}`,
  ]
  const takes = Object.entries(handshake.takes).map(([option, what]) => `\`${option}\`: ${what}`)
  const cells = [
    `\`handshakes.${key}\``,
    `[${handshake.name}](${handshake.source})`,
    handshake.when,
    by.filter(Boolean).join(', '),
    takes.join('; ') || '–',
    handshake.withinSeconds === undefined ? '–' : `${handshake.withinSeconds} s`,
    handshake.checked ?? '–',
  ]
  return line(cells)
}

function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
}
