// A program with a token that asks a running server, for tests of servers as processes.

export type CallApi = <T>(server: { readonly url: string }, path: string, body?: unknown) => Promise<T>

/** POST with a body, GET without one. @throws Error with status and text of what is refused */
export function apiCaller(token: () => string): CallApi {
  return async ({ url }, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    return JSON.parse(text)
  }
}
