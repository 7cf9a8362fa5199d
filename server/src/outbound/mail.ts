export interface Mail {
  to: readonly string[]
  subject: string
  text: string
}

/** What came of a mail: `isFinal` where the server will never take it. */
export type MailOutcome = { isSent: true } | { isSent: false; isFinal: boolean; error: string }

/** Sends mail through the operator's server; never throws for what that server does. */
export interface Mailer {
  send(mail: Mail): Promise<MailOutcome>
}

const TIMEOUT_MS = 15_000

/**
 * The server is the operator's own choice, as the database is, so it may stand at any address.
 * @param url `smtp://user:password@host:587` or `smtps://…`
 */
export function createMailer({ url, from }: { url: string; from: string }): Mailer {
  // Only here, because it takes some memory and most engines send no mail.
  const transport = import('nodemailer').then(({ createTransport }) =>
    createTransport({
      url,
      connectionTimeout: TIMEOUT_MS,
      greetingTimeout: TIMEOUT_MS,
      socketTimeout: TIMEOUT_MS,
      // Texts come from users: nothing in them is read from a file or an address.
      disableFileAccess: true,
      disableUrlAccess: true,
    }),
  )
  return {
    async send({ to, subject, text }) {
      try {
        await (await transport).sendMail({ from, to: [...to], subject, text })
        return { isSent: true }
      } catch (cause) {
        const { message, responseCode = 0, code = '' } = cause as Error & { responseCode?: number; code?: string }
        return { isSent: false, isFinal: responseCode >= 500 || code === 'EENVELOPE', error: message }
      }
    },
  }
}
