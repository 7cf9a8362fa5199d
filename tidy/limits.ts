import type { Section } from './limit.ts'
import { LIMITS_OF_READING } from './limits-of-reading.ts'

const S = 'server/src'
const RATE = (name: string) => `\`settings.rateLimits.${name}\` of the workspace, 0 for none`
const SANDBOX = `${S}/sandbox/limits.ts`

/** Every limit that a caller can run into. */
export const LIMITS: readonly Section[] = [
  {
    title: 'What comes in',
    about: 'Who sends a request, and to which address, is settled before its body is read.',
    limits: [
      {
        what: 'Bytes of one body',
        value: `${S}/bodies/limits.ts BODY_BYTES_MAX bytes`,
        beyond: '413 `payload_too_large`',
        heldBy: [
          `${S}/bodies/intake.test.ts: a refused body gives back what it held`,
          `${S}/api/server.test.ts: are refused above 10 MB`,
        ],
      },
      {
        what: 'Depth of JSON, in bodies, answers and results of functions',
        value: `${S}/bodies/limits.ts JSON_DEPTH_MAX count`,
        beyond: '400 `malformed_body`; an answer is taken as text, a result refused with `limit_exceeded`',
        heldBy: [
          `${S}/bodies/json.test.ts: JSON nests up to the limit and no deeper, brackets in strings aside`,
          `${S}/ingress/entrance.test.ts: JSON that nests too deep is refused at every door, and nothing of it is stored`,
          `${S}/bodies/body-value.test.ts: JSON that nests too deep is refused, in an answer it stays text`,
        ],
      },
      {
        what: 'Values in one JSON text',
        value: `${S}/bodies/limits.ts JSON_VALUES_MAX count`,
        beyond: '400 `malformed_body`',
        heldBy: [`${S}/bodies/json.test.ts: JSON holds only so many values`],
      },
      {
        what: 'Fields of a form',
        value: `${S}/bodies/limits.ts FORM_FIELDS_MAX count`,
        beyond: '400 `malformed_body`; an answer is taken as text',
        heldBy: [
          `${S}/bodies/body-value.test.ts: forms have so many fields and no more; an answer that has more stays text`,
        ],
      },
      {
        what: 'Values in a request that defines something (a flow, a connector, a customer)',
        value: `${S}/bodies/limits.ts DEFINITION_VALUES_MAX count`,
        beyond: '400 `malformed_body`',
        heldBy: [`${S}/api/request-bodies.test.ts: what defines something holds only so many values, data many more`],
      },
      {
        what: 'Bytes of bodies in hand, over all requests',
        value: `${S}/bodies/limits.ts bytesMax bytes`,
        beyond: '503 `overloaded`, with `Retry-After`',
        heldBy: [`${S}/bodies/intake.test.ts: bytes are counted as they arrive, and until the answer is closed`],
      },
      {
        what: '… of one sender, address or customer',
        value: 'a quarter of it',
        beyond: '503 `overloaded`',
        heldBy: [
          `${S}/bodies/intake.test.ts: one sender has its share, one workspace has its own, and small bodies have a reserve`,
        ],
      },
      {
        what: '… of one workspace',
        value: 'three quarters of it',
        beyond: '503 `overloaded`',
        heldBy: [
          `${S}/bodies/intake.test.ts: one sender has its share, one workspace has its own, and small bodies have a reserve`,
        ],
      },
      {
        what: '… kept free for bodies up to 64 KiB',
        value: `${S}/bodies/limits.ts reserveBytes bytes`,
        beyond: '–',
        heldBy: [
          `${S}/bodies/intake.test.ts: one sender has its share, one workspace has its own, and small bodies have a reserve`,
        ],
      },
      {
        what: 'Time for the head of a request',
        value: `${S}/api/request-bodies.ts HEAD_MS_MAX ms`,
        beyond: '408, and the connection is closed',
        heldBy: [`${S}/api/server.test.ts: a head, or a whole request, that takes too long ends its connection`],
      },
      {
        what: 'Time without a byte of a body',
        value: `${S}/bodies/limits.ts silenceMsMax ms`,
        beyond: '408 `request_timeout`',
        heldBy: [
          `${S}/ingress/entrance.test.ts: a body that stops coming is refused in time, and its bytes are given back`,
        ],
      },
      {
        what: 'Time for a body',
        value: `${S}/bodies/limits.ts bodyMsMax ms`,
        beyond: '408 `request_timeout`',
        heldBy: [`${S}/bodies/intake.test.ts: a body that stops coming, or takes too long, is given up`],
      },
      {
        what: 'Time for a request that passes through to an app',
        value: `${S}/api/request-bodies.ts REQUEST_MS_MAX ms`,
        beyond: '408, and the connection is closed',
        heldBy: [`${S}/api/server.test.ts: a head, or a whole request, that takes too long ends its connection`],
      },
      {
        what: 'Events in one batch',
        value: `${S}/ingress/events-in.ts BATCH_MAX count`,
        beyond: '413 `payload_too_large`',
        heldBy: [`${S}/ingress/entrance.test.ts: a batch of ten thousand keeps every event as it was written`],
      },
      {
        what: 'Bytes of an archive that is imported, with what multipart adds',
        value: `${S}/workspace-files/archive.ts archiveBytes bytes`,
        beyond: '413 `payload_too_large`',
        heldBy: [
          `${S}/workspace-files/transfers.test.ts: an archive that says it is larger than may be is refused before it comes`,
        ],
      },
      {
        what: '… unpacked',
        value: `${S}/workspace-files/archive.ts totalBytes bytes`,
        beyond: '400 `invalid_archive`',
        heldBy: [`${S}/workspace-files/archive.test.ts: more than there is room for is refused before it is unpacked`],
      },
      {
        what: '… of one file in it',
        value: `${S}/workspace-files/archive.ts fileBytes bytes`,
        beyond: '400 `invalid_archive`, naming the file',
        heldBy: [`${S}/workspace-files/archive.test.ts: more than there is room for is refused before it is unpacked`],
      },
      {
        what: 'Bytes of a form of the connect page',
        value: `${S}/connecting/connect-mount.ts FORM_BYTES_MAX bytes`,
        beyond: '413 `payload_too_large`',
        heldBy: ['stories/connections-page.test.ts: a form that is too large is refused'],
      },
      {
        what: 'Characters of the id of a customer in a token',
        value: `${S}/workspaces/tokens.ts INTERNAL_ID_CHARS_MAX count`,
        beyond: '401 `not_authenticated`',
        heldBy: [`${S}/workspaces/tokens.test.ts: names a customer by an id that the API takes too`],
      },
    ],
  },
  {
    title: 'How often',
    about:
      'Rates are per second; five seconds’ worth may come at once. What is refused of one customer takes nothing from others\nat the same address.',
    limits: [
      {
        what: 'Requests at one webhook address',
        value: `${S}/workspaces/rates.ts webhooksPerAddress count`,
        set: RATE('webhooksPerAddress'),
        beyond: '429 `rate_limit_exceeded`, with `Retry-After`',
        heldBy: [
          `${S}/ingress/entrance.test.ts: what comes faster than the workspace wants it is told when to come again`,
        ],
      },
      {
        what: 'Requests at all webhook addresses of one customer',
        value: `${S}/workspaces/rates.ts webhooksPerCustomer count`,
        set: RATE('webhooksPerCustomer'),
        beyond: '429 `rate_limit_exceeded`, with `Retry-After`',
        heldBy: [
          `${S}/ingress/entrance.test.ts: what is refused of one customer takes nothing from others at the same address`,
        ],
      },
      {
        what: 'Requests of the API with tokens of one customer',
        value: `${S}/workspaces/rates.ts apiPerCustomer count`,
        set: RATE('apiPerCustomer'),
        beyond: '429 `rate_limit_exceeded`, with `Retry-After`',
        heldBy: [
          `${S}/ingress/entrance.test.ts: what comes faster than the workspace wants it is told when to come again`,
        ],
      },
      {
        what: 'Tries to sign in to the console, from one address',
        value: '10 a minute',
        beyond: '429 `rate_limit_exceeded`, with `Retry-After`',
        heldBy: [
          `${S}/people/attempt-limit.test.ts: one address has ten attempts a minute, and so have all addresses of one network of IPv6`,
          `${S}/console/console.test.ts: guessing is slowed down, for one address after ten tries in a minute`,
        ],
      },
      {
        what: 'Messages to one destination',
        value: 'no limit',
        set: '`throttle` of the endpoint',
        beyond: 'the others wait',
        heldBy: [`${S}/deliveries/deliveries.test.ts: a throttle spaces deliveries out`],
      },
    ],
  },
  {
    title: 'What users write',
    about:
      'Formulas, schemas and patterns are computed in processes that can be stopped; so are functions. Each customer’s have\ntheir turn. Those of owners that are known to be quick have a process of their own. More about functions:\n[Functions](../use/functions.md#limits).',
    limits: [
      {
        what: 'Processor time of a formula with `$jsonata`, or of a check by a JSON Schema',
        value: `${S}/computing/limits.ts COMPUTE_MS ms`,
        beyond: 'the node fails, the event is refused; the message says which',
        heldBy: [
          `${S}/computing/computing.test.ts: a task that takes too long, or too much memory, is stopped, and those beside it are not`,
        ],
      },
      {
        what: 'Processor time to compile a JSON Schema',
        value: `${S}/api/json-schema.ts COMPILE_MS ms`,
        beyond: '400 `invalid_schema`',
        heldBy: [
          `${S}/computing/computing.test.ts: a task that takes too long, or too much memory, is stopped, and those beside it are not`,
        ],
      },
      {
        what: 'Depth of a formula',
        value: `${S}/formulas/bounds.ts FORMULA_DEPTH_MAX count`,
        beyond: '400 where it is saved; else the node fails with `formula_too_large`',
        heldBy: [`${S}/formulas/check-formula.test.ts: excess depth or size is the only problem reported`],
      },
      {
        what: 'Values in a formula',
        value: `${S}/formulas/bounds.ts FORMULA_NODES_MAX count`,
        beyond: 'the same',
        heldBy: [`${S}/formulas/compile-formula.test.ts: a formula beyond the bounds is refused`],
      },
      {
        what: 'Characters of what a formula yields',
        value: `${S}/formulas/bounds.ts RESULT_CHARS_MAX count`,
        beyond: 'the node fails with `formula_too_large`',
        heldBy: [`${S}/formulas/compile-formula.test.ts: an evaluation that explodes is refused`],
      },
      {
        what: 'Nodes of a flow',
        value: `${S}/flows/plan.ts NODES_MAX count`,
        beyond: '400 `invalid_flow`',
        heldBy: [`${S}/flows/plan.test.ts: too many nodes`],
      },
      {
        what: 'Characters of the `parameters` of a flow or instance, as JSON',
        value: `${S}/flows/parameter-secrets.ts PARAMETERS_CHARS_MAX count`,
        beyond: '400 `invalid_input`',
        heldBy: [`${S}/flows/parameter-secrets.test.ts: long parameters are refused`],
      },
      {
        what: 'Processor time of a function',
        value: `${SANDBOX} cpuMs ms`,
        beyond: '`cpu_timeout`',
        heldBy: [`${S}/sandbox/limits.test.ts: %s is stopped when its CPU time is up`],
      },
      {
        what: 'Time of a call of a function, with what it waits for',
        value: `${SANDBOX} wallMs ms`,
        beyond: '`wall_timeout`',
        heldBy: [`${S}/sandbox/limits.test.ts: a request that is never answered ends with the limit on the whole call`],
      },
      {
        what: 'How long a node waits, for a time or for an event',
        value: `${S}/flows/span.ts SPAN_MS_MAX ms`,
        beyond:
          'Refused with `invalid_flow`; where a formula says so, the node fails with `delay_invalid` or `wait_invalid`',
        heldBy: [
          `${S}/flows/waits.test.ts: what cannot be waited for is told of`,
          `${S}/flows/ways-and-waits.test.ts: what is no moment or too far fails, naming the node`,
        ],
      },
      {
        what: 'Time that a call of a function waits for its turn',
        value: `${SANDBOX} waitMs ms`,
        beyond: '`overloaded`',
        heldBy: [`${S}/sandbox/pool.test.ts: waiting for a place is not a call’s own time, and has a limit of its own`],
      },
      {
        what: 'Memory of a function',
        value: `${SANDBOX} memoryBytes bytes`,
        beyond: '`memory_exceeded`',
        heldBy: [
          `${S}/sandbox/limits.test.ts: memory that is used up is told as that, also when the function catches what it was told`,
        ],
      },
      {
        what: 'Bytes of what a function is given',
        value: `${SANDBOX} argsBytes bytes`,
        beyond: '`limit_exceeded`, before anything runs',
        heldBy: [`${S}/sandbox/limits.test.ts: arguments that are too large are refused before anything runs`],
      },
      {
        what: 'Bytes of what a function returns',
        value: `${SANDBOX} resultBytes bytes`,
        beyond: '`limit_exceeded`',
        heldBy: [`${S}/sandbox/limits.test.ts: a result that is too large is refused, one at the limit is not`],
      },
      {
        what: 'Bytes of the log of a call',
        value: `${SANDBOX} logBytes bytes`,
        beyond: 'it is cut, and says so',
        heldBy: [`${S}/sandbox/limits.test.ts: the log is cut where it is full, and says so`],
      },
      {
        what: 'Requests of a call',
        value: `${SANDBOX} hostCalls count`,
        beyond: '`limit_exceeded`',
        heldBy: [`${S}/sandbox/limits.test.ts: more requests than allowed end the call`],
      },
    ],
  },
  {
    title: 'What runs and goes out',
    about: 'What waits is stored: nothing is lost by waiting.',
    limits: [
      {
        what: 'Runs of one customer at a time',
        value: `${S}/runs/backlog.ts LANE_CAP count`,
        beyond: 'the others wait',
        heldBy: [
          `${S}/platform/lanes.test.ts: of a lane, of a group and of the process hold, and everything is done once`,
        ],
      },
      {
        what: 'Runs of one process at a time',
        value: `${S}/runs/backlog.ts PROCESS_CAP count`,
        beyond: 'the others wait',
        heldBy: [
          `${S}/platform/lanes.test.ts: of a lane, of a group and of the process hold, and everything is done once`,
        ],
      },
      {
        what: 'Runs of one flow instance at a time',
        value: `${S}/flows/flow.ts CONCURRENCY_DEFAULT count`,
        set: '`concurrency` of the flow or instance',
        beyond: 'the others wait',
        heldBy: [`${S}/platform/lanes.test.ts: of a group do not hold up the other groups of its lane`],
      },
      {
        what: 'Messages to one destination at a time',
        value: `${S}/deliveries/deliveries.ts LANE_CAP count`,
        set: '`concurrency` of the endpoint',
        beyond: 'the others wait',
        heldBy: [
          `${S}/platform/lanes.test.ts: of a lane, of a group and of the process hold, and everything is done once`,
        ],
      },
      {
        what: 'Connections to brokers',
        value: `${S}/outbound/brokers/brokers.ts CONNECTIONS_MAX count`,
        beyond: 'one that is idle is closed; where none is, the attempt is `unreachable` and made again',
        heldBy: [`${S}/outbound/brokers/brokers.test.ts: connections are bounded: an idle one makes room`],
      },
      {
        what: 'Time that a run is at work in one stretch',
        value: `${S}/runs/limits.ts activeMsMax ms`,
        beyond: 'the run fails with `limit_exceeded`',
        heldBy: [`${S}/runs/runs.test.ts: end a run that is at work for too long`],
      },
      {
        what: 'Node runs of one run',
        value: `${S}/runs/limits.ts nodeRunsMax count`,
        beyond: 'the run fails with `limit_exceeded`',
        heldBy: [`${S}/runs/runs.test.ts: end a run that has too many node runs, and say so`],
      },
      {
        what: 'Characters of one output of a node',
        value: `${S}/runs/limits.ts outputCharsMax count`,
        beyond: 'the node fails with `output_too_large`',
        heldBy: [`${S}/runs/runs.test.ts: end a node whose output is too large`],
      },
      {
        what: 'Tries of work that fails by a mistake of the engine',
        value: `${S}/platform/lane-faults.ts TRIES_MAX count`,
        beyond: 'it ends as failed, with `internal`; the log has the details',
        heldBy: [`${S}/engine-given-up.test.ts: a run ends as failed`],
      },
      {
        what: 'Tries of a message',
        value: '10, over about 75 hours',
        beyond: 'the delivery is `exhausted`; an alert says so; it can be sent again',
        heldBy: [`${S}/deliveries/deliveries.test.ts: a failing receiver is tried ten times over about 75 hours`],
      },
      {
        what: 'Time to connect to a receiver',
        value: `${S}/outbound/client.ts CONNECT_TIMEOUT_MS ms`,
        beyond: 'it is tried again as if nobody were there',
        heldBy: [`${S}/outbound/client.test.ts: connecting has a limit of its own`],
      },
      {
        what: 'Time for a request',
        value: `${S}/outbound/client.ts TIMEOUT_MS ms`,
        beyond: 'it is tried again as if nobody were there',
        heldBy: [`${S}/outbound/client.test.ts: in a body that drips`],
      },
      {
        what: 'Bytes of an answer to a request',
        value: `${S}/bodies/limits.ts BODY_BYTES_MAX bytes`,
        beyond: 'the request fails, or the answer is cut',
        heldBy: [`${S}/outbound/client.test.ts: is cut at the limit, and its connection ends instead of being drained`],
      },
    ],
  },
  ...LIMITS_OF_READING,
]
