// The API described: /api/openapi.json for programs, /api/docs for people. Everything comes from this server.
import type { FastifyInstance } from 'fastify'
import { NONCE_PLACE, pageWithNonce } from './headers.ts'
import { makeOpenApi } from './openapi.ts'

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta property="csp-nonce" content="${NONCE_PLACE}" nonce="${NONCE_PLACE}">
<title>Muster API</title>
</head>
<body>
<div id="app"></div>
<script src="/api/docs/reference/js/scalar.js" nonce="${NONCE_PLACE}"></script>
<script nonce="${NONCE_PLACE}">
Scalar.createApiReference('#app', {
  url: '/api/openapi.json', withDefaultFonts: false, telemetry: false,
  // What would lead to other hosts.
  hideClientButton: true, showDeveloperTools: 'never', agent: { disabled: true }, mcp: { disabled: true },
})
</script>
</body>
</html>
`

export async function registerDocs(server: FastifyInstance, version: string): Promise<void> {
  const document = JSON.stringify(makeOpenApi(version))
  server.get('/api/openapi.json', { exposeHeadRoute: false }, (_request, reply) =>
    reply.type('application/json').header('cache-control', 'no-cache').send(document),
  )
  server.get('/api/docs', { exposeHeadRoute: false }, (_request, reply) =>
    // What shows the document puts styles into the page and into its elements; scripts stay as strict as everywhere.
    pageWithNonce(reply, PAGE, `; style-src-elem 'self' 'unsafe-inline'; style-src-attr 'unsafe-inline'`),
  )
  await registerScript(server)
}

/** The script of the page: five megabytes that nobody needs who does not read it. */
async function registerScript(server: FastifyInstance): Promise<void> {
  const { default: scalar } = await import('@scalar/fastify-api-reference')
  await server.register(scalar, { routePrefix: '/api/docs/reference', configuration: { url: '/api/openapi.json' } })
}
