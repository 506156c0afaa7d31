// Builds the web (src/web) into dist/web. The server puts a nonce in the place of __CSP_NONCE__ for every request, and sends the
// compressed copies that stand beside each file.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const OUT = join(import.meta.dirname, 'dist/web')
/** index.html is not among them: it differs with every request. */
const COMPRESSED = /\.(?:js|css|svg)$/

export default defineConfig({
  root: join(import.meta.dirname, 'src/web'),
  cacheDir: join(import.meta.dirname, 'dist/.vite'),
  html: { cspNonce: '__CSP_NONCE__' },
  plugins: [withoutSummaries(), react(), compress()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 1500,
    rolldownOptions: {
      output: {
        // strict.ts has to be run before any schema is made, so it lies where what makes them does.
        codeSplitting: {
          groups: [{ name: 'zod', test: /[\\/]node_modules[\\/]zod[\\/]|[\\/]src[\\/]web[\\/]strict\.ts$/ }],
        },
      },
    },
  },
})

/** What OpenAPI says of endpoints is for readers of that: five kilobytes of texts that no page shows. */
function withoutSummaries(): Plugin {
  return {
    name: 'muster:without-summaries',
    enforce: 'pre',
    transform(code, id) {
      if (!/[\\/]src[\\/]contract[\\/]api[\\/]/.test(id)) return undefined
      return { code: code.replace(SUMMARY, "summary: ''"), map: null }
    },
  }
}

const SUMMARY = /\bsummary:\s*(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|`(?:[^`\\]|\\.)*`)/g

/** Writes .br and .gz beside every file that is worth it, so that no server compresses anything twice. */
function compress(): Plugin {
  return {
    name: 'muster:compress',
    apply: 'build',
    closeBundle() {
      for (const path of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
        if (!COMPRESSED.test(path)) continue
        const file = join(OUT, path)
        const content = readFileSync(file)
        writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
        writeFileSync(`${file}.gz`, gzipSync(content, { level: 9 }))
      }
    },
  }
}
