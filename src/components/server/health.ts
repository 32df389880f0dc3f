// GET /healthz and /readyz: whether the server works and is ready, for watchdogs and load balancers.
import type { Core } from '../../component/component.ts'
import { messageOf } from '../../core/errors.ts'
import type { Registration } from '../../core/scope.ts'
import type { RawRequest, RawRoute } from '../../rpc/registry.ts'
import type { ServerFacts } from './service.ts'

/** A probe needs no login and may use any host name: it gets nothing but these words. */
const PROBE: Pick<RawRoute, 'verbs' | 'anonymous'> = { verbs: ['GET', 'HEAD'], anonymous: true }

/** Serves both probes. */
export function serveHealth(core: Core, facts: ServerFacts): Registration[] {
  return [
    core.registry.serveRaw({ ...PROBE, path: '/healthz', handle: request => answerHealth(core, request) }),
    core.registry.serveRaw({
      ...PROBE,
      path: '/readyz',
      handle: request => answerReadiness(core, facts, request),
    }),
  ]
}

/** That the server answers shows that its event loop runs; the database is read. */
function answerHealth({ storage, log }: Core, { sendJson }: RawRequest): void {
  try {
    storage.db.get('SELECT 1')
    sendJson({ status: 'ok' })
  } catch (error) {
    log.error(`the database does not answer: ${messageOf(error)}`)
    sendJson({ status: 'the database does not answer' }, 503)
  }
}

/** A component that failed does not make the server unready: the others work. `?klippy` also demands a ready Klippy. */
function answerReadiness({ printer }: Core, facts: ServerFacts, { query, sendJson }: RawRequest): void {
  const failed_components = facts.failedComponents()
  const answer = (status: string, code: number) => sendJson({ status, failed_components }, code)
  if (!facts.started()) answer('starting', 503)
  else if (query.has('klippy') && printer.session.state !== 'ready') answer('Klippy is not ready', 503)
  else answer('ok', 200)
}
