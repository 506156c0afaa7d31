// A browser of forms: keeps cookies, reads the pages of the emulator's sign-in and fills them in, without scripts.

/** A page that was read. */
interface FormPage {
  readonly status: number
  readonly title: string
  readonly text: string
  /** The AADSTS number of the error that the page shows. */
  readonly errorCode: number | undefined
  readonly html: string
}

/** Where a walk ended. `left`: the browser was sent to an address that the walk does not follow. */
export type Arrival = { readonly kind: 'page'; readonly page: FormPage } | { readonly kind: 'left'; readonly to: URL }

export interface Credentials {
  readonly userName: string
  readonly password: string
}

const MAX_STEPS = 10

export class FormBrowser {
  readonly #fetch: typeof fetch
  readonly #origin: string
  readonly #cookies = new Map<string, string>()
  #page: FormPage | undefined

  /** @param origin pages of this origin are followed, every other address is where the browser leaves */
  constructor(options: { readonly fetch: typeof fetch; readonly origin: string }) {
    this.#fetch = options.fetch
    this.#origin = options.origin
  }

  async open(url: string | URL): Promise<Arrival> {
    return await this.#go(new URL(url), undefined)
  }

  /** Sends the form of the page with what a person typed or pressed. */
  async submit(fields: Readonly<Record<string, string>>): Promise<Arrival> {
    const html = this.#page?.html ?? ''
    const action = /<form method="post" action="([^"]*)"/.exec(html)?.[1]
    if (action === undefined) throw new Error(`the page "${this.#page?.title}" has no form`)
    const hidden = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
      ([, name = '', value = '']): [string, string] => [unescape(name), unescape(value)],
    )
    const body = new URLSearchParams([...hidden, ...Object.entries(fields)])
    return await this.#go(new URL(unescape(action), this.#origin), body)
  }

  /** Opens an authorize address and signs in; approves and accepts what is asked on the way. */
  async signIn(url: string | URL, who: Credentials): Promise<Arrival> {
    const opened = await this.open(url)
    return opened.kind === 'left' ? opened : await this.fillIn(who)
  }

  /** From the page for name and password on. */
  async fillIn(who: Credentials): Promise<Arrival> {
    if (this.#page?.title.startsWith('Pick an account') === true) await this.submit({ action: 'other' })
    let arrived = await this.submit({ action: 'sign-in', loginfmt: who.userName, passwd: who.password })
    for (let step = 0; step < MAX_STEPS && arrived.kind === 'page'; step++) {
      const action = ['approve', 'accept', 'continue'].find((name) => this.#page?.html.includes(`value="${name}"`))
      if (action === undefined || arrived.page.errorCode !== undefined) return arrived
      arrived = await this.submit({ action })
    }
    return arrived
  }

  async #go(url: URL, body: URLSearchParams | undefined): Promise<Arrival> {
    if (url.origin !== this.#origin) return { kind: 'left', to: url }
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.#fetch(url, {
      method: body === undefined ? 'GET' : 'POST',
      redirect: 'manual',
      headers: cookie === '' ? {} : { cookie },
      ...(body === undefined ? {} : { body }),
    })
    for (const set of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      this.#cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null) {
      await response.arrayBuffer()
      return await this.#go(new URL(location, url), undefined)
    }
    this.#page = readPage(response.status, await response.text())
    return { kind: 'page', page: this.#page }
  }
}

function readPage(status: number, html: string): FormPage {
  const code = /data-code="(\d+)"/.exec(html)?.[1]
  return {
    status,
    title: unescape(/<title>([^<]*)<\/title>/.exec(html)?.[1] ?? ''),
    text: unescape(html.replace(/<style>[\s\S]*?<\/style>|<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')),
    errorCode: code === undefined ? undefined : Number(code),
    html,
  }
}

function unescape(text: string): string {
  return text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
}
