import { describe, expect, it } from 'vitest'
import { explainCause, explainProxyRefusal } from './causes.ts'
import { proxyFor } from './proxy.ts'

const direct = { host: 'login.microsoftonline.com', proxy: undefined }
const proxied = { ...direct, proxy: 'http://proxy.example:3128' }

describe('why nothing answered', () => {
  it.each([
    ['T16', 'ENOTFOUND', /not known to this machine's name service/, /DNS servers/, false],
    ['T16', 'EAI_AGAIN', /name service did not answer/, /DNS/, false],
    ['T16', 'EPRIVATEADDRESS', /private address/, /hosts file/, true],
    ['T16', 'UND_ERR_CONNECT_TIMEOUT', /not answered in time/, /firewall/, false],
    ['T16', 'ECONNREFUSED', /refused the connection/, /port 443/, false],
    ['T16', 'ENETUNREACH', /no way from this machine/, /routes/, false],
    ['T1', 'ECONNRESET', /was cut/, /firewall or proxy/, false],
    ['T17', 'CERT_HAS_EXPIRED', /it has expired/, /clock/, true],
    ['T17', 'ERR_TLS_CERT_ALTNAME_INVALID', /made for another host/, /name service/, true],
    ['T15', 'SELF_SIGNED_CERT_IN_CHAIN', /signed by nobody/, /MUSTER_CA_FILE/, true],
    ['T15', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /authority is not known/, /MUSTER_CA_FILE/, true],
    ['T17', 'ERR_SSL_WRONG_VERSION_NUMBER', /no common version of TLS/, /https/, true],
    ['any', 'ESOMETHING', /failed \(ESOMETHING\)/, /firewall/, false],
  ])('%s: %s is said in words, with its code and what helps', (_row, code, what, remedy, isLasting) => {
    const cause = explainCause(code, direct)

    expect(cause.what).toMatch(what)
    expect(cause.what).toContain(code)
    expect(cause.what).toContain('login.microsoftonline.com')
    expect(cause.remedy).toMatch(remedy)
    expect(cause.isLasting).toBe(isLasting)
  })

  it('T15: names the proxy, and what it answered', () => {
    expect(explainCause('ECONNREFUSED', proxied).what).toContain('http://proxy.example:3128')
    expect(explainProxyRefusal('407', proxied)).toMatchObject({
      what: 'the proxy http://proxy.example:3128 refused the connection with 407: it wants a user name and password',
      remedy: expect.stringContaining('HTTPS_PROXY'),
    })
    expect(explainProxyRefusal('403', proxied).remedy).toContain('CONNECT to login.microsoftonline.com')
    expect(explainProxyRefusal('418', proxied).what).toBe(
      'the proxy http://proxy.example:3128 refused the connection with 418',
    )
  })
})

describe('the proxy of a request', () => {
  it.each([
    ['', true],
    ['example.com', true],
    ['login.microsoftonline.com', false],
    ['microsoftonline.com', false],
    ['.microsoftonline.com', false],
    ['*.microsoftonline.com', false],
    ['*.login.microsoftonline.com', true],
    ['a.example, LOGIN.microsoftonline.com.', false],
    ['login.microsoftonline.com:443', false],
    ['login.microsoftonline.com:8443', true],
    ['*', false],
    ['online.com', true],
  ])('T15: NO_PROXY "%s": used %s', (noProxy, isUsed) => {
    const proxy = { httpsProxy: 'http://user:secret@proxy.example:3128', noProxy }

    expect(proxyFor(proxy, 'https://login.microsoftonline.com')).toBe(isUsed ? 'http://proxy.example:3128' : undefined)
  })

  it('is none for plain http, and where none is set', () => {
    expect(proxyFor({ httpsProxy: 'http://proxy.example:3128' }, 'http://127.0.0.1:1')).toBeUndefined()
    expect(proxyFor({}, 'https://graph.microsoft.com')).toBeUndefined()
  })
})
