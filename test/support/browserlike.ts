// The little of a browser that a sign-in page of somebody else needs: cookies, redirects, forms.

export interface Page {
  readonly kind: 'page'
  readonly url: URL
  readonly html: string
}

export class Browserlike {
  readonly #cookies = new Map<string, string>()

  /** Opens an address and follows redirects, until one leads where `leaves` says; that one is not followed. */
  async open(
    url: string,
    leaves: (location: URL) => boolean,
    init: { readonly method?: string; readonly body?: URLSearchParams } = {},
  ): Promise<Page | { readonly kind: 'left'; readonly url: URL }> {
    let at = new URL(url)
    let request = init
    for (let hop = 0; hop < 20; hop++) {
      if (leaves(at)) return { kind: 'left', url: at }
      const response = await fetch(at, {
        ...request,
        redirect: 'manual',
        headers: { cookie: [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      })
      for (const line of response.headers.getSetCookie()) this.#keep(line)
      const location = response.headers.get('location')
      if (location === null) return { kind: 'page', url: at, html: await response.text() }
      at = new URL(location, at)
      request = {}
    }
    throw new Error(`more than 20 redirects from ${url}`)
  }

  /** Sends the page's first form with these values in addition to its hidden ones. */
  async submit(page: Page, values: Readonly<Record<string, string>>, leaves: (location: URL) => boolean) {
    const form = /<form[^>]*>/.exec(page.html)?.[0] ?? ''
    const action = /action="([^"]*)"/.exec(form)?.[1]?.replaceAll('&amp;', '&') ?? page.url.href
    const hidden = [...page.html.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([tag]): [string, string] => [
      /name="([^"]*)"/.exec(tag)?.[1] ?? '',
      /value="([^"]*)"/.exec(tag)?.[1] ?? '',
    ])
    const body = new URLSearchParams([...new Map([...hidden, ...Object.entries(values)])])
    return await this.open(new URL(action, page.url).href, leaves, { method: 'POST', body })
  }

  #keep(line: string): void {
    const [pair = '', ...attributes] = line.split(';')
    const [name = '', ...value] = pair.split('=')
    const isOver = attributes.some((text) => /^ *expires=Thu, 01 Jan 1970/i.test(text)) || value.join('=') === ''
    if (isOver) this.#cookies.delete(name)
    else this.#cookies.set(name, value.join('='))
  }
}
