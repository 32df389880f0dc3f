// The routes of files: PUT /fleet/files, and GET /fleet/files/sha256/HASH for printers and people.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { FleetFile } from '../../../api/fleet.ts'
import { fileError } from '../../../components/files/roots/file-error.ts'
import { ConcurrencyLimit } from '../../../core/concurrency-limit.ts'
import { ApiError } from '../../../core/errors.ts'
import type { Scope } from '../../../core/scope.ts'
import { sendFile } from '../../../core/send-file.ts'
import type { RawRequest, Registry } from '../../../rpc/registry.ts'
import { demandRole } from '../../../rpc/user.ts'
import type { Blobs } from './blobs.ts'
import { FILES_PATH, isSigned } from './signed-urls.ts'

/** Downloads at the same time. */
const MAX_TRANSFERS = 50
/** Uploads at the same time, and those that wait. */
const UPLOADS = { what: 'uploads', maxRunning: 4, maxQueued: 20 }
/** Seconds after which a refused printer may try again, at least, and how many more by chance. */
const RETRY_SECONDS = 5
const RETRY_SPREAD = 15
/** Milliseconds without a byte, after which a transfer ends. */
const IDLE_MILLISECONDS = 60_000

export interface FileRoutesParts {
  readonly registry: Registry
  readonly blobs: Blobs
  readonly urlKey: () => string
}

/** Serves the files. */
export function serveFiles(scope: Scope, { registry, blobs, urlKey }: FileRoutesParts): void {
  const uploads = new ConcurrencyLimit(UPLOADS)
  let transfers = 0
  scope.use(
    registry.serveRaw({
      verbs: ['PUT'],
      path: '/fleet/files',
      handle: async ({ req, query, sendJson }) => {
        const stored = await uploads.run(async () => {
          endIfIdle(req)
          return blobs.put(req, Number(req.headers['content-length'] ?? 0)).catch(error => {
            const shown = fileError(error, 'the files of the fleet')
            if (shown instanceof ApiError || req.complete) throw shown
            throw new ApiError(400, 'The connection ended before the whole file had arrived', {
              cause: error,
            })
          })
        })
        const metadata = await blobs.metadataOf(stored.sha256).catch(() => ({}))
        const result: FleetFile = { ...stored, name: query.get('name') ?? '', metadata }
        sendJson({ result }, 201)
      },
    }),
  )
  const send = async ({ req, res, rest, query, caller }: RawRequest): Promise<void> => {
    if (!/^[0-9a-f]{64}$/.test(rest)) throw new ApiError(404, 'Not Found')
    if (!isSigned(rest, query, urlKey())) demandRole(caller, 'viewer')
    if (transfers >= MAX_TRANSFERS) return refuse(res)
    transfers += 1
    res.once('close', () => {
      transfers -= 1
    })
    res.setTimeout(IDLE_MILLISECONDS, () => res.destroy())
    await blobs.use(rest)
    await sendFile(req, res, {
      path: blobs.pathOf(rest),
      shown: rest,
      etag: true,
      headers: { 'Cache-Control': 'private, max-age=31536000, immutable' },
    })
  }
  scope.use(registry.serveRaw({ verbs: ['GET', 'HEAD'], path: FILES_PATH, open: () => true, handle: send }))
}

function endIfIdle(req: IncomingMessage): void {
  req.setTimeout(IDLE_MILLISECONDS, () => req.destroy())
}

/** All printers of a batch send their requests at the same time: each comes back at another moment. */
function refuse(res: ServerResponse): void {
  res.setHeader('Retry-After', RETRY_SECONDS + Math.floor(Math.random() * RETRY_SPREAD))
  throw new ApiError(503, `Too many transfers: at most ${MAX_TRANSFERS} run at the same time`)
}
