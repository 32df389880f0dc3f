// The page of the hub at /: all printers, jobs and codes. It contains nothing of the fleet; users log in there.
import { pageFiles, pagePolicy, sendPageFile } from '../../core/page-files.ts'
import type { Registration } from '../../core/scope.ts'
import type { Registry } from '../../rpc/registry.ts'

const POLICY = pagePolicy('data: blob:')

/** Serves the page. */
export function servePage(registry: Registry): Registration {
  const files = { find: pageFiles(), policy: POLICY }
  return registry.serveRest({
    verbs: ['GET', 'HEAD'],
    open: () => true,
    handle: request => sendPageFile(request, request.rest === '' ? 'fleet.html' : request.rest, files),
  })
}
