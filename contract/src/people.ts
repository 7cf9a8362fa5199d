import { z } from 'zod'
import type { EndpointTable } from './endpoint.ts'
import { Role } from './roles.ts'
import { listOf, Timestamp } from './shapes.ts'

/** Longer ones are refused unread, so that nobody has the engine hash megabytes. */
export const Password = z.string().min(12, 'a password has at least 12 characters').max(1000)

const Email = z.string().trim().toLowerCase().max(320).pipe(z.email('an e-mail address'))

/** Somebody who signs in to the console. */
export const Person = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    role: Role,
    hasPassword: z.boolean(),
    hasSecondFactor: z.boolean(),
    hasSingleSignOn: z.boolean(),
    createdAt: Timestamp,
    /** When one of the sessions was last in use, to about ten minutes. */
    lastSeenAt: Timestamp.optional(),
  })
  .meta({ id: 'Person' })

export const ConsoleSession = z
  .object({
    id: z.string(),
    createdAt: Timestamp,
    lastSeenAt: Timestamp,
    expiresAt: Timestamp,
    address: z.string(),
    browser: z.string(),
    isThis: z.boolean(),
  })
  .meta({ id: 'ConsoleSession' })

export const Invitation = z
  .object({
    id: z.string(),
    email: z.string(),
    role: Role,
    invitedBy: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'Invitation' })

/** A link to hand over; it is shown once. */
const Link = z.object({ link: z.string(), expiresAt: Timestamp, isMailed: z.boolean() })

export const people = {
  list: {
    method: 'GET',
    path: '/people',
    summary: 'People of the workspace, by e-mail address',
    access: 'admin',
    needs: 'people',
    answer: listOf(Person),
    refusals: [],
  },
  patch: {
    method: 'PATCH',
    path: '/people/:id',
    summary: 'Give somebody another role',
    access: 'admin',
    needs: 'people',
    body: z.object({ role: Role }),
    answer: Person,
    refusals: ['not_found', 'last_owner'],
  },
  archive: {
    method: 'DELETE',
    path: '/people/:id',
    summary: 'Remove somebody from the workspace, and end the sessions in it',
    access: 'admin',
    needs: 'people',
    answer: null,
    refusals: ['not_found', 'last_owner'],
  },
  sessions: {
    method: 'GET',
    path: '/people/:id/sessions',
    summary: 'Where somebody is signed in to this workspace',
    access: 'admin',
    needs: 'people',
    answer: listOf(ConsoleSession),
    refusals: ['not_found'],
  },
  endSessions: {
    method: 'DELETE',
    path: '/people/:id/sessions',
    summary: 'Sign somebody out of this workspace, everywhere',
    access: 'admin',
    needs: 'people',
    answer: null,
    refusals: ['not_found'],
  },
  passwordLink: {
    method: 'POST',
    path: '/people/:id/password-link',
    summary: 'A link by which somebody sets a new password, once, within a day',
    access: 'admin',
    needs: 'people',
    answer: Link,
    status: 201,
    refusals: ['not_found', 'of_other_workspaces'],
  },
  removeSecondFactor: {
    method: 'DELETE',
    path: '/people/:id/second-factor',
    summary: 'Take away the second factor of somebody who lost it',
    access: 'admin',
    needs: 'people',
    answer: null,
    refusals: ['not_found', 'of_other_workspaces'],
  },
} as const satisfies EndpointTable

export const invitations = {
  list: {
    method: 'GET',
    path: '/invitations',
    summary: 'Invitations that nobody followed yet and that are not too old, newest first',
    access: 'admin',
    needs: 'people',
    answer: listOf(Invitation),
    refusals: [],
  },
  create: {
    method: 'POST',
    path: '/invitations',
    summary: 'Invite somebody: a link that is good once, within a week, to hand over; mailed where mail is set up',
    access: 'admin',
    needs: 'people',
    body: z.object({ email: Email, role: Role }),
    answer: Invitation.extend(Link.shape),
    status: 201,
    refusals: ['already_exists'],
  },
  archive: {
    method: 'DELETE',
    path: '/invitations/:id',
    summary: 'Take an invitation back',
    access: 'admin',
    needs: 'people',
    answer: null,
    refusals: ['not_found'],
  },
} as const satisfies EndpointTable

export const Account = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    role: Role,
    hasPassword: z.boolean(),
    hasSecondFactor: z.boolean(),
    recoveryCodesLeft: z.number().int(),
  })
  .meta({ id: 'Account' })

const Proof = z.object({ password: z.string().max(1000) })
const Code = z.object({ code: z.string().max(100) })

/** One's own; a key and the workspace's secret have none (`access_denied`). */
export const account = {
  get: {
    method: 'GET',
    path: '/account',
    summary: 'One’s own account',
    access: 'admin',
    needs: 'account',
    answer: Account,
    refusals: [],
  },
  patch: {
    method: 'PATCH',
    path: '/account',
    summary: 'Change one’s name',
    access: 'admin',
    needs: 'account',
    body: z.object({ name: z.string().trim().min(1).max(200) }),
    answer: Account,
    refusals: [],
  },
  changePassword: {
    method: 'POST',
    path: '/account/password',
    summary: 'Change one’s password; every other session ends',
    access: 'admin',
    needs: 'account',
    body: z.object({ current: z.string().max(1000), password: Password }),
    answer: null,
    refusals: ['wrong_proof', 'rate_limit_exceeded'],
  },
  sessions: {
    method: 'GET',
    path: '/account/sessions',
    summary: 'Where one is signed in',
    access: 'admin',
    needs: 'account',
    answer: listOf(ConsoleSession),
    refusals: [],
  },
  endSession: {
    method: 'DELETE',
    path: '/account/sessions/:id',
    summary: 'End one of one’s sessions',
    access: 'admin',
    needs: 'account',
    answer: null,
    refusals: ['not_found'],
  },
  beginSecondFactor: {
    method: 'POST',
    path: '/account/second-factor',
    summary: 'A secret for an app that makes codes; it counts once a code of it was given',
    access: 'admin',
    needs: 'account',
    body: Proof,
    answer: z.object({ secret: z.string(), uri: z.string() }),
    status: 201,
    refusals: ['wrong_proof', 'rate_limit_exceeded', 'already_exists'],
  },
  confirmSecondFactor: {
    method: 'POST',
    path: '/account/second-factor/confirm',
    summary: 'Give the first code: from then on a code is asked for; the recovery codes are shown once',
    access: 'admin',
    needs: 'account',
    body: Code,
    answer: z.object({ recoveryCodes: z.array(z.string()) }),
    status: 201,
    refusals: ['wrong_proof', 'rate_limit_exceeded'],
  },
  removeSecondFactor: {
    method: 'POST',
    path: '/account/second-factor/remove',
    summary: 'Do without a second factor again',
    access: 'admin',
    needs: 'account',
    body: Proof,
    answer: null,
    refusals: ['wrong_proof', 'rate_limit_exceeded'],
  },
} as const satisfies EndpointTable
