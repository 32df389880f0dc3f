// The two logs at fixed addresses, wherever they are written.
import { join } from 'node:path'
import type { Core } from '../../../component/component.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import type { RawRequest } from '../../../rpc/registry.ts'
import { sendDownload } from './download.ts'

/** Serves GET and HEAD of /server/files/klippy.log and /server/files/moonraker.log. */
export function serveLogDownloads(core: Core, scope: Scope): void {
  // Klippy reports its log file; before the first connection, use the default path.
  const klippyLog = () => core.printer.session.info?.log_file ?? join(core.paths.logs, 'klippy.log')
  serveLog(core, scope, 'klippy.log', klippyLog)
  serveLog(core, scope, 'moonraker.log', () => core.log.file)
}

function serveLog(core: Core, scope: Scope, name: string, pathOf: () => string | null): void {
  const handle = async (request: RawRequest) => {
    const path = pathOf()
    if (path === null) throw new ApiError(404, `No ${name}: the server does not write its log to a file`)
    await sendDownload(request, { real: path, relative: name })
  }
  scope.use(core.registry.serveRaw({ verbs: ['GET', 'HEAD'], path: `/server/files/${name}`, handle }))
}
