// The web: the files that the build has made, and its one page for every path that is a screen.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fastifyStatic } from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { pageWithNonce, TRUSTED_TYPES } from './headers.ts'
import { HttpError, nothingAt } from './problem.ts'

const YEAR_SECONDS = 31_536_000

/**
 * Serves a folder with an `index.html` and, below `assets/`, files whose names change with their content. Everything that is
 * nobody's address is a screen of the page, except where only programs ask.
 *
 * @param folder undefined or not there: the addresses of screens say how it is built
 */
export async function registerWeb(server: FastifyInstance, folder: string | undefined): Promise<void> {
  const page = folder !== undefined && existsSync(join(folder, 'index.html')) ? join(folder, 'index.html') : undefined
  if (page !== undefined && folder !== undefined) {
    await server.register(fastifyStatic, {
      root: folder,
      wildcard: false,
      index: false,
      preCompressed: true,
      cacheControl: false,
      globIgnore: ['index.html', '**/*.br', '**/*.gz'],
      setHeaders(reply, path) {
        const isNamedByContent = path.startsWith(join(folder, 'assets'))
        reply.header('cache-control', isNamedByContent ? `public, max-age=${YEAR_SECONDS}, immutable` : 'no-cache')
      },
    })
  }
  const html = page === undefined ? undefined : readFileSync(page, 'utf8')
  server.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?')
    const isScreen =
      ['GET', 'HEAD'].includes(request.method) && !/^\/(api|assets|healthz|readyz|metrics)(\/|$)/.test(path)
    if (!isScreen || /\.\w+$/.test(path)) throw nothingAt(request)
    if (html === undefined)
      throw new HttpError(404, 'web-not-built', {
        message: 'The pages are not built; run npm run build in the checkout',
      })
    return pageWithNonce(reply, html, TRUSTED_TYPES)
  })
}
