// Alerts as mails, one each, in plain text.
import { getCACertificates } from 'node:tls'
import { createTransport } from 'nodemailer'
import type { Secret } from '../base/secret.ts'
import { isLoopback } from './addresses.ts'
import { type Sink, SinkError } from './alert.ts'
import { presentAlert } from './text.ts'

const TIMEOUT_MS = 8_000

export interface MailSettings {
  /** smtp://[user:password@]host[:port] or smtps://… */
  readonly url: Secret
  readonly from: string
  readonly to: readonly string[]
  /** PEM of authorities to trust beside the public ones. */
  readonly ca?: string | undefined
}

/** One connection for each mail: they are rare. A password goes over an encrypted line only, except on this machine. */
export function createMailSink(settings: MailSettings): Sink {
  const url = new URL(settings.url.reveal())
  const isTls = url.protocol === 'smtps:'
  const user = decodeURIComponent(url.username)
  const ca = settings.ca === undefined ? {} : { ca: [...getCACertificates('default'), settings.ca] }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const transport = createTransport({
    host,
    port: url.port === '' ? (isTls ? 465 : 587) : Number(url.port),
    secure: isTls,
    requireTLS: !isTls && user !== '' && !isLoopback(host),
    ...(user === '' ? {} : { auth: { user, pass: decodeURIComponent(url.password) } }),
    connectionTimeout: TIMEOUT_MS,
    greetingTimeout: TIMEOUT_MS,
    socketTimeout: TIMEOUT_MS,
    dnsTimeout: TIMEOUT_MS,
    tls: { rejectUnauthorized: true, ...ca },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    name: 'mail',
    async send(alert, signal) {
      const { title, text } = presentAlert(alert.facts)
      const domain =
        settings.from
          .split('@')
          .at(-1)
          ?.replace(/[^\w.-]/g, '') ?? 'muster'
      const sending = transport.sendMail({
        from: settings.from,
        to: [...settings.to],
        subject: `Muster: ${title}`,
        text,
        // The same for every try: a mail program shows it once.
        messageId: `<alert-${alert.id}-${alert.raisedAt.getTime()}@${domain}>`,
        date: alert.raisedAt,
        headers: { 'Auto-Submitted': 'auto-generated' },
      })
      try {
        await orAborted(sending, signal)
      } catch (error) {
        if (signal.aborted) throw signal.reason
        throw new SinkError(`the mail server did not take it${whyOf(error)}`, { cause: error })
      }
    },
    async stop() {
      transport.close()
    },
  }
}

async function orAborted(sending: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    await Promise.race([sending, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Where the signal was first, nobody listens any more; its own time-outs end it.
    sending.catch(() => undefined)
  }
}

/** Codes only: what a mail server says names addresses. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return ''
  const code: unknown = Reflect.get(error, 'code')
  const status: unknown = Reflect.get(error, 'responseCode')
  const parts = [typeof code === 'string' ? code : '', typeof status === 'number' ? String(status) : '']
  const why = parts.filter((part) => part !== '').join(' ')
  return why === '' ? '' : ` (${why})`
}
