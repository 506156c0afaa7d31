// The pages of the sign-in: forms and nothing else. No script runs on them, but for the one line that sends a form_post on,
// and each says what it is, so that nobody types a real password here.
import { createHash } from 'node:crypto'
import type { WireResponse } from './wire.ts'

const STYLE = `:root{color-scheme:light dark}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;grid-template-columns:minmax(0,1fr);place-items:center;padding:1rem;font:16px/1.5 system-ui,sans-serif;background:Canvas;color:CanvasText}
main{width:100%;max-width:27.5rem;border:1px solid GrayText;padding:2rem}
main.wide{max-width:60rem}
h1{font-size:1.5rem;font-weight:600;margin:.25rem 0 1rem}
h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
label{display:block;margin:.75rem 0 .25rem}
input{width:100%;font:inherit;padding:.5rem}
button{font:inherit;padding:.5rem 1.5rem;margin:1rem .5rem 0 0;cursor:pointer}
button.account{display:block;width:100%;text-align:left;margin:0 0 .5rem}
.error{border-left:4px solid #c50f1f;padding-left:.75rem}
.note{font-size:.875rem}
.number{font-size:2.5rem;margin:.5rem 0}
table{border-collapse:collapse;width:100%;display:block;overflow-x:auto}
th,td{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}
td{min-width:7rem}
code{overflow-wrap:anywhere}`

const SEND_ON = 'document.forms[0].submit()'

/** Says what has to be typed where; the fields have Microsoft's names. */
export interface FormPage {
  /** The path that forms post to. */
  readonly action: string
  readonly flow: string
  /** Who asks, by display name. */
  readonly appName: string
}

/** The error that a page begins with. */
export interface PageError {
  readonly code: number
  readonly words: string
}

export function signInPage(
  form: FormPage,
  given: { readonly userName: string; readonly error: PageError | undefined },
): WireResponse {
  return formPage(form, {
    title: 'Sign in',
    error: given.error,
    body: `<label for="loginfmt">Email, phone, or Skype</label>
<input id="loginfmt" name="loginfmt" type="text" autocomplete="off" required value="${escape(given.userName)}"${given.userName === '' ? ' autofocus' : ''}>
<label for="passwd">Password</label>
<input id="passwd" name="passwd" type="password" autocomplete="off"${given.userName === '' ? '' : ' autofocus'}>
${button('sign-in', 'Sign in')}${button('cancel', 'Cancel', 'formnovalidate')}`,
  })
}

export function accountPage(
  form: FormPage,
  accounts: readonly { readonly id: string; readonly name: string }[],
): WireResponse {
  const known = accounts
    .map(({ id, name }) => `<button class="account" name="account" value="${escape(id)}">${escape(name)}</button>`)
    .join('\n')
  return formPage(form, {
    title: 'Pick an account',
    error: undefined,
    body: `${known}\n${button('other', 'Use another account')}`,
  })
}

/** Stands for the telephone: whoever sits here approves. */
export function approvePage(form: FormPage, number: number): WireResponse {
  return formPage(form, {
    title: 'Approve sign in request',
    error: undefined,
    body: `<p>Open your Authenticator app, and enter the number shown to sign in.</p>
<p class="number">${number}</p>
<p class="note">The emulator has no telephone: say here what the person would do on it.</p>
${button('approve', 'Approve')}${button('deny', 'Deny')}`,
  })
}

export function consentPage(form: FormPage, scopes: readonly string[]): WireResponse {
  return formPage(form, {
    title: 'Permissions requested',
    error: undefined,
    body: `<p>${escape(form.appName)} would like to: ${escape(scopes.join(', '))}</p>
${button('accept', 'Accept')}${button('decline', 'Cancel')}`,
  })
}

/** For the whole tenant, of whom the emulator takes whoever signs in for an administrator: it has no directory roles. */
export function adminConsentPage(
  form: FormPage,
  given: { readonly tenant: string; readonly permissions: readonly string[] },
): WireResponse {
  return formPage(form, {
    title: 'Permissions requested – review for your organization',
    error: undefined,
    body: `<p>${escape(form.appName)} would like to, in ${escape(given.tenant)}: ${escape(given.permissions.join(', '))}</p>
<p>If you accept, this app will get access to the specified resources for all users in your organization. No one else will be prompted to review these permissions.</p>
${button('accept', 'Accept')}${button('decline', 'Cancel')}`,
  })
}

export function devicePage(error: PageError | undefined): WireResponse {
  return page({
    title: 'Enter code to allow access',
    error,
    body: `<form method="post" action="/devicelogin">
<p>Once you enter the code displayed on your app or device, it will have access to your account.</p>
<p>Do not enter codes from sources you don’t trust.</p>
<label for="otc">Code</label>
<input id="otc" name="otc" type="text" autocomplete="off" required autofocus maxlength="8">
${button('next', 'Next')}
</form>`,
  })
}

export function confirmDevicePage(form: FormPage): WireResponse {
  return formPage(form, {
    title: `Are you trying to sign in to ${form.appName}?`,
    error: undefined,
    body: `<p>Only continue if you downloaded the app from a store or website that you trust.</p>
${button('continue', 'Continue')}${button('decline', 'Cancel')}`,
  })
}

/** A page that ends the matter. */
export function lastPage(given: {
  readonly title: string
  readonly text: string
  readonly error?: PageError
}): WireResponse {
  const { title, text, error } = given
  return page({ title, error, body: text === '' ? '' : `<p>${escape(text)}</p>` }, error === undefined ? 200 : 400)
}

/** `response_mode=form_post`: sends itself on, or waits for the button where scripts are off. */
export function redirectPage(action: string, fields: readonly (readonly [string, string])[]): WireResponse {
  const hidden = fields
    .map(([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`)
    .join('\n')
  return page(
    {
      title: 'Working…',
      error: undefined,
      body: `<form method="post" action="${escape(action)}">
${hidden}
<button>Continue</button>
</form>
<script>${SEND_ON}</script>`,
    },
    200,
  )
}

/** Any page in the dress of these. */
export function page(
  given: {
    readonly title: string
    readonly body: string
    readonly error?: PageError | undefined
    readonly wide?: boolean
  },
  status = 200,
): WireResponse {
  const { title, body, error, wide = false } = given
  const alert =
    error === undefined
      ? ''
      : `<p class="error" role="alert" data-code="${error.code}">${escape(error.words)}<br><span class="note">Error code: ${error.code}</span></p>\n`
  return {
    status,
    headers: {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; style-src '${digest(STYLE)}'; script-src '${digest(SEND_ON)}'; base-uri 'none'; frame-ancestors 'none'`,
      'Cache-Control': 'no-store, no-cache',
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
    },
    body: `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escape(title)} – Entra emulator</title>
<style>${STYLE}</style>
</head>
<body>
<main${wide ? ' class="wide"' : ''}>
<p class="note">Entra emulator. Never type a real password here.</p>
<h1>${escape(title)}</h1>
${alert}${body}
</main>
</body>
</html>
`,
  }
}

export function escape(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

function formPage(
  form: FormPage,
  given: { readonly title: string; readonly error: PageError | undefined; readonly body: string },
): WireResponse {
  return page({
    title: given.title,
    error: given.error,
    body: `<form method="post" action="${escape(form.action)}">
<input type="hidden" name="flow" value="${escape(form.flow)}">
<p>to continue to ${escape(form.appName)}</p>
${given.body}
</form>`,
  })
}

function button(action: string, text: string, attributes = ''): string {
  return `<button name="action" value="${action}" ${attributes}>${text}</button>\n`
}

function digest(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}
