import { z } from 'zod'

/** The classes of errors that clients tell apart. */
export const ErrorType = z.enum([
  'bad_request',
  'connection',
  'configuration',
  'dependency_error',
  'flow_run',
  'flow_instance_setup',
  'concurrency',
  'internal',
  'action_run',
  'action_instance_setup',
  'unit_run',
  'custom_code',
])
export type ErrorType = z.infer<typeof ErrorType>

/** How every refusal and failure looks on the wire: a bare object. */
export const ErrorData = z
  .object({
    type: ErrorType,
    key: z.string().optional(),
    message: z.string(),
    data: z.unknown().optional(),
    causedByError: z.unknown().optional(),
    logs: z.array(z.unknown()).optional(),
  })
  .meta({ id: 'ErrorData' })
export type ErrorData = z.infer<typeof ErrorData>

interface ErrorKind {
  type: ErrorType
  status: number
  /** For people; `docs/use/errors.md` is printed from it. */
  meaning: string
}

/** Every error key the API answers with. */
export const ERRORS = {
  not_authenticated: {
    type: 'bad_request',
    status: 401,
    meaning: 'The token is missing, malformed, expired, signed with the wrong key or for another workspace.',
  },
  access_denied: {
    type: 'bad_request',
    status: 403,
    meaning: 'The token is valid but may not do this: an admin token is needed, or the customer is archived.',
  },
  wrong_proof: {
    type: 'bad_request',
    status: 403,
    meaning: 'The password or code that was given to prove oneself is not right.',
  },
  last_owner: {
    type: 'bad_request',
    status: 409,
    meaning: 'Nobody else is an owner of the workspace; make somebody one first.',
  },
  of_other_workspaces: {
    type: 'bad_request',
    status: 409,
    meaning: 'The person belongs to other workspaces, too, which the account opens as well.',
  },
  main_workspace: {
    type: 'bad_request',
    status: 409,
    meaning: 'The main workspace is not deleted: its owners own the installation.',
  },
  quota_exceeded: {
    type: 'bad_request',
    status: 429,
    meaning:
      'The workspace has taken in as many events as its quota allows; `data.quota` names it, `Retry-After` says when there is room again. Nothing was stored.',
  },
  quota_reached: {
    type: 'bad_request',
    status: 403,
    meaning: 'The workspace has as many customers, connections or flows as its quota allows; `data.quota` names it.',
  },
  not_found: {
    type: 'bad_request',
    status: 404,
    meaning: 'There is no such thing, or the token may not see it.',
  },
  invalid_input: {
    type: 'bad_request',
    status: 400,
    meaning: 'A field of the query or the body is missing or wrong; `data.problems` names each one.',
  },
  malformed_body: {
    type: 'bad_request',
    status: 400,
    meaning: 'The body is not what its content type says (for example not valid JSON).',
  },
  ambiguous_selector: {
    type: 'bad_request',
    status: 400,
    meaning:
      'A key stands for several elements; add an integration, connection, customer or instance key, or use the id.',
  },
  already_exists: {
    type: 'bad_request',
    status: 409,
    meaning: 'Another element that is not archived has this key.',
  },
  archived: {
    type: 'bad_request',
    status: 410,
    meaning: 'The element is archived; restore it first.',
  },
  payload_not_kept: {
    type: 'bad_request',
    status: 410,
    meaning:
      'Its payload is not kept any more, as the workspace or the event type has it; only what is known of it is left, and that cannot be sent again.',
  },
  payload_too_large: {
    type: 'bad_request',
    status: 413,
    meaning: 'The body is larger than 10 MB.',
  },
  request_timeout: {
    type: 'bad_request',
    status: 408,
    meaning: 'The request did not come in time: its head, its body or the whole of it took too long.',
  },
  invalid_archive: {
    type: 'bad_request',
    status: 400,
    meaning:
      'The files of a workspace cannot be imported; `data.problems` names each file, the line, and what is wrong.',
  },
  unsupported_content_type: {
    type: 'bad_request',
    status: 415,
    meaning: 'Bodies are JSON or form data.',
  },
  events_refused: {
    type: 'bad_request',
    status: 400,
    meaning: 'No event of the request was accepted; `results` says why for each.',
  },
  event_not_an_object: {
    type: 'bad_request',
    status: 400,
    meaning: 'An event must be a JSON object.',
  },
  event_invalid: {
    type: 'bad_request',
    status: 400,
    meaning: 'The event does not fit the schema of its event type, which is enforced.',
  },
  customer_unresolved: {
    type: 'bad_request',
    status: 400,
    meaning: 'Neither a customer token nor the tenant id formula of the event type says whose event this is.',
  },
  customer_unknown: {
    type: 'bad_request',
    status: 400,
    meaning:
      'The formula names a customer that does not exist. Customers are created by the API or by their first token, never by an event.',
  },
  customer_archived: {
    type: 'bad_request',
    status: 400,
    meaning: 'The customer that the event is for is archived.',
  },
  rate_limit_exceeded: {
    type: 'bad_request',
    status: 429,
    meaning: 'Too many requests; try again after `Retry-After` seconds.',
  },
  invalid_flow: {
    type: 'configuration',
    status: 400,
    meaning: 'The nodes of the flow do not make sense; `data.problems` names the node and says why.',
  },
  invalid_action: {
    type: 'configuration',
    status: 400,
    meaning: 'The action does not make sense as it is defined; `data.problems` names each field and says why.',
  },
  action_failed: {
    type: 'action_run',
    status: 400,
    meaning:
      'The action was run and failed. The answer is the failure itself, with the `type` and `key` of what went wrong (say `connection`), and names the run as `actionRunId`.',
  },
  invalid_formula: {
    type: 'configuration',
    status: 400,
    meaning: 'A formula cannot work; `data.problems` says where and why.',
  },
  invalid_schema: {
    type: 'configuration',
    status: 400,
    meaning: 'A JSON Schema cannot be compiled.',
  },
  read_only_connector: {
    type: 'bad_request',
    status: 403,
    meaning: 'The connector is ready-made and cannot be changed; make a copy of it with `clone`.',
  },
  invalid_function: {
    type: 'custom_code',
    status: 400,
    meaning:
      'A function does not load, or a slot that must have one has none; `data.problems` names the slot, line and column.',
  },
  webhook_handling_failed: {
    type: 'custom_code',
    status: 500,
    meaning:
      'The function that handles requests of an external app failed. The request is kept, with the reason, and can be replayed.',
  },
  external_subscription_failed: {
    type: 'connection',
    status: 400,
    meaning:
      'The external app, or the function that speaks to it, did not subscribe, refresh or unsubscribe. Seen in the subscription, not as an answer.',
  },
  setup_failed: {
    type: 'flow_instance_setup',
    status: 400,
    meaning:
      'Something that the flow instance needs could not be set up. Seen in `errors` of the instance, not as an answer.',
  },
  subscription_request_failed: {
    type: 'connection',
    status: 400,
    meaning:
      'Your application did not answer a subscribe or unsubscribe request with 2xx, or the request could not be built. Seen in the subscription, not as an answer.',
  },
  connection_failed: {
    type: 'connection',
    status: 400,
    meaning:
      'The external app could not be reached, refused, or takes the credentials no longer. In the answer `key` may be the narrower `access_token_expired`, `connection_is_defunct`, `connection_disconnected` or `rate_limit_exceeded`; `data` has the status and the beginning of what the app answered.',
  },
  not_supported: {
    type: 'bad_request',
    status: 400,
    meaning: 'The connector of the connection cannot do this: it defines no function for it.',
  },
  run_not_active: {
    type: 'flow_run',
    status: 409,
    meaning: 'The flow run is already finished.',
  },
  read_only: {
    type: 'bad_request',
    status: 403,
    meaning: 'The workspace is read-only.',
  },
  overloaded: {
    type: 'concurrency',
    status: 503,
    meaning: 'The engine is taking in as much as it can; nothing was stored. Try again after `Retry-After` seconds.',
  },
  unavailable: {
    type: 'internal',
    status: 503,
    meaning: 'The database cannot be reached; the request may be tried again.',
  },
  internal: {
    type: 'internal',
    status: 500,
    meaning: 'Our mistake. The message names the request, under which the log has the details.',
  },
} as const satisfies Record<string, ErrorKind>

export type ErrorKey = keyof typeof ERRORS
