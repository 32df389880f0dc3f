// The page of the hub at /: all printers, jobs and codes. It contains nothing of the fleet; users log in there.
import { pageFiles, sendPageFile } from '../../core/page-files.ts'
import type { Registration } from '../../core/scope.ts'
import type { Registry } from '../../rpc/registry.ts'

/** Nothing runs but the page's own files, so that the name of a printer or a file runs nothing. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data: blob:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Serves the page. */
export function servePage(registry: Registry): Registration {
  const files = { find: pageFiles(), policy: POLICY }
  return registry.serveRest({
    verbs: ['GET', 'HEAD'],
    open: () => true,
    handle: request => sendPageFile(request, request.rest === '' ? 'fleet.html' : request.rest, files),
  })
}
