import type { ErrorKey } from './errors.ts'

/** What a person can do about an error. */
export interface Remedy {
  remedy: string
  /** The page of the console where it is done. */
  page?: string
}

/** For every error that is answered. `docs/use/errors.md` prints it beside the meaning. */
const OF_ANSWERS: Readonly<Record<ErrorKey, Remedy>> = {
  not_authenticated: {
    remedy: 'Sign a new token with the secret of this workspace, or make an API key.',
    page: '/keys',
  },
  access_denied: { remedy: 'Use an admin token, or ask an owner of the workspace for a role that may do this.' },
  wrong_proof: { remedy: 'Type it again; a code is of the last half minute.' },
  last_owner: { remedy: 'Make somebody else an owner first.', page: '/people' },
  of_other_workspaces: { remedy: 'Take the person out of this workspace in place of ending the account.' },
  main_workspace: {
    remedy:
      'Have the engine start with the PERMEA_WORKSPACE_KEY of another workspace, which makes that one the main one.',
  },
  quota_exceeded: {
    remedy: 'Send again after what Retry-After says, or ask who owns the installation for more.',
    page: '/workspace',
  },
  quota_reached: {
    remedy: 'Archive what is not needed any more, or ask who owns the installation for more.',
    page: '/workspace',
  },
  not_found: { remedy: 'Look whether it was deleted, left with the retention time, or is of another workspace.' },
  invalid_input: { remedy: 'Mend the fields that are named.' },
  malformed_body: { remedy: 'Send what the content type says, such as valid JSON.' },
  ambiguous_selector: { remedy: 'Use the id, or add the key of the integration, connection or customer.' },
  already_exists: { remedy: 'Take another key, or archive the element that has it.' },
  archived: { remedy: 'Restore it first: lists show it with the filter “With archived”.' },
  payload_not_kept: {
    remedy: 'Have the application send it again; keep payloads for longer with PERMEA_PAYLOAD_RETENTION_DAYS.',
  },
  payload_too_large: { remedy: 'Send less at once, or where the data can be fetched.' },
  request_timeout: { remedy: 'Send it again; look at the network between the sender and the engine.' },
  invalid_archive: { remedy: 'Mend the lines that are named, and import it again.' },
  unsupported_content_type: { remedy: 'Send JSON or a form.' },
  events_refused: { remedy: 'See the reason of each event in the answer.', page: '/refused-requests' },
  event_not_an_object: { remedy: 'Send an object, or a list of objects.' },
  event_invalid: {
    remedy: 'Send what the schema asks for, change the schema of the event type, or stop enforcing it.',
    page: '/app-event-types',
  },
  customer_unresolved: {
    remedy: 'Give the event type a tenant id formula, or send with the token of the customer.',
    page: '/app-event-types',
  },
  customer_unknown: { remedy: 'Create the customer with this id first.', page: '/customers' },
  customer_archived: { remedy: 'Restore the customer, or stop sending its events.', page: '/customers' },
  rate_limit_exceeded: { remedy: 'Send more slowly, and again after what Retry-After says.' },
  invalid_flow: { remedy: 'Mend the nodes that are named.', page: '/flows' },
  invalid_action: { remedy: 'Mend the fields that are named.', page: '/actions' },
  action_failed: { remedy: 'See the run of the action.', page: '/action-runs' },
  invalid_formula: { remedy: 'Mend the formula where it is named.' },
  invalid_schema: { remedy: 'Mend the JSON Schema.' },
  read_only_connector: { remedy: 'Copy the connector, and change the copy.', page: '/connectors' },
  invalid_function: { remedy: 'Mend the function at the line that is named.' },
  webhook_handling_failed: {
    remedy: 'Mend the handle function, then handle the request again: it is kept.',
    page: '/incoming-webhooks',
  },
  external_subscription_failed: {
    remedy: 'See what the app answered, mend the function or the permissions, and subscribe again.',
    page: '/external-event-subscriptions',
  },
  setup_failed: { remedy: 'Mend what is named, then set the flow of the customer up again.', page: '/flow-instances' },
  subscription_request_failed: {
    remedy: 'See what your application answered; it is asked again.',
    page: '/app-event-subscriptions',
  },
  connection_failed: {
    remedy: 'Look whether the app is up, then have the customer connect again.',
    page: '/connections',
  },
  not_supported: { remedy: 'Give the connector a function for it.', page: '/connectors' },
  run_not_active: { remedy: 'It has ended: repeat it in place of stopping it.' },
  read_only: { remedy: 'Allow changes in the settings of the workspace.', page: '/workspace' },
  overloaded: { remedy: 'Send it again after what Retry-After says; add a process where it lasts.' },
  unavailable: { remedy: 'Look at the database: the engine waits for it, and goes on by itself.' },
  internal: { remedy: 'Look in the log under the request that is named, and report it.' },
}

/** For what stands in records of runs, connections, subscriptions and attempts, and is no answer. */
const OF_RECORDS = {
  // nodes and actions
  address_forbidden: {
    remedy: 'The address is not public. Where it is yours, open its network with PERMEA_EGRESS_ALLOW.',
  },
  request_failed: { remedy: 'See what was answered, mend the request or the far end, then repeat the run from there.' },
  invalid_request: { remedy: 'Mend the address, method or headers of the request.', page: '/flows' },
  limit_exceeded: { remedy: 'Do less at once: page by page, or in several runs.' },
  output_too_large: { remedy: 'Hand on less: take the fields that are needed.' },
  formula_too_large: { remedy: 'Do it in smaller steps, or with the node JavaScript.' },
  not_a_list: { remedy: 'Choose a field that holds a list.', page: '/flows' },
  node_not_found: { remedy: 'The node is gone from the flow: choose another one to start at.', page: '/flows' },
  delay_invalid: { remedy: 'Give a number of the unit or a date, 30 days ahead at most.', page: '/flows' },
  wait_invalid: { remedy: 'Enable the flow of the customer, and give one value to wait for.', page: '/flow-instances' },
  wait_timed_out: { remedy: 'Wait for longer, or go on without the event: “When the time is up” of the node.' },
  no_connection: {
    remedy: 'Have the customer connect the app, and run the flow on that connection.',
    page: '/connections',
  },
  no_customer: { remedy: 'The request to your application needs a customer: run it for one.' },
  invalid_configuration: { remedy: 'Mend the configuration of the node.', page: '/flows' },
  graphql_errors: { remedy: 'Mend the query as the app says.' },
  // records of apps
  no_record_id: { remedy: 'Have the collection of the connector give each record its id.', page: '/connectors' },
  too_many_records: { remedy: 'Narrow the filter, or read page by page.' },
  scan_too_large: { remedy: 'Narrow the data source by a filter.', page: '/data-sources' },
  cursor_repeats: { remedy: 'Mend how the connector goes on to the next page.', page: '/connectors' },
  // connections
  access_token_expired: {
    remedy: 'It is renewed by itself; if it goes on, have the customer connect again.',
    page: '/connections',
  },
  connection_is_defunct: {
    remedy: 'The app takes the credentials no longer: have the customer connect again.',
    page: '/connections',
  },
  connection_disconnected: { remedy: 'Have the customer connect again.', page: '/connections' },
  test_refused: { remedy: 'The app refuses the credentials: have the customer connect again.', page: '/connections' },
  no_recorded_answer: { remedy: 'Write down an answer for this request, or try it against a connection.' },
  // attempts to deliver
  forbidden: {
    remedy: 'The address is not public. Where it is yours, open its network with PERMEA_EGRESS_ALLOW.',
  },
  invalid: { remedy: 'Mend the address of the destination.' },
  dns: { remedy: 'The name of the destination does not resolve: look for a slip in its address.' },
  refused: { remedy: 'Nobody listens there: look whether the receiver is up, and at its port.' },
  network: { remedy: 'There is no way to the destination: look at the network of the engine.' },
  timeout: { remedy: 'Have the receiver answer sooner: take the message in, and work on it afterwards.' },
  tls: { remedy: 'Look at the certificate of the destination.' },
  reset: { remedy: 'The receiver broke off: look in its log.' },
  protocol: { remedy: 'What answers there is no web server, or its headers are too large.' },
  redirect: { remedy: 'Redirects are not followed: give the address that it leads to.' },
  rate_limited: { remedy: 'The receiver asks for a slower pace, which is kept; raise its limit where that is yours.' },
  gone: { remedy: 'The receiver wants no more: resume the destination once it does.' },
  client_error: { remedy: 'The receiver refuses the message: see its answer, mend the receiver, and send it again.' },
  server_error: { remedy: 'The receiver failed: see its answer and its log; it is tried again.' },
} as const satisfies Readonly<Record<string, Remedy>>

export const REMEDIES: Readonly<Record<string, Remedy>> = { ...OF_ANSWERS, ...OF_RECORDS }

/** What can be done about an error; null where nothing is known of it. */
export function remedyOf(key: string | undefined): Remedy | null {
  return key !== undefined && Object.hasOwn(REMEDIES, key) ? (REMEDIES[key] ?? null) : null
}
