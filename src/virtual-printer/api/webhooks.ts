// Klippy's basic endpoints: its identity, G-code scripts and output, remote methods, emergency stop.

import { cpus, hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { GcodeError, WebRequestError } from '../errors.ts'
import type { Host } from '../host.ts'
import type { Connection } from './connection.ts'
import { type ApiRequest, recordOf, textOf } from './endpoints.ts'

/** The version that the virtual printer reports, in Klipper's format, so that clients can compare it. */
export const SOFTWARE_VERSION = 'v0.13.0-730-gvirtual0'

/** Methods that clients register for macros, by name. */
export class RemoteMethods {
  readonly #methods = new Map<string, Map<Connection, Record<string, unknown>>>()

  add(name: string, connection: Connection, template: Record<string, unknown>): void {
    const clients = this.#methods.get(name) ?? new Map<Connection, Record<string, unknown>>()
    clients.set(connection, template)
    this.#methods.set(name, clients)
  }

  /** Removes the methods of a closed connection. */
  forget(connection: Connection): void {
    for (const [name, clients] of this.#methods) {
      clients.delete(connection)
      if (clients.size === 0) this.#methods.delete(name)
    }
  }

  /** Sends a call to all clients that registered the method. Throws GcodeError without such a client. */
  call(name: string, params: Record<string, unknown>): void {
    const clients = this.#methods.get(name)
    if (clients === undefined) throw new GcodeError(`Remote method '${name}' not registered`)
    for (const [connection, template] of clients) connection.send({ params, ...template })
  }
}

/** Registers the endpoints that exist from the start. */
export function webhookEndpoints(host: Host, remote: RemoteMethods, logFile: string | undefined): void {
  const { endpoints, gcode, lifecycle } = host
  endpoints.add('list_endpoints', () => ({ endpoints: endpoints.names }))
  endpoints.add('info', request => info(host, request, logFile))
  endpoints.add('emergency_stop', () => {
    lifecycle.shutdown('Shutdown due to webhooks request')
    return {}
  })
  endpoints.add('register_remote_method', request => {
    const template = recordOf(request, 'response_template')
    remote.add(textOf(request, 'remote_method'), request.connection, template)
    return {}
  })
  endpoints.add('gcode/help', () => gcode.help())
  endpoints.add('gcode/script', request => runScript(host, textOf(request, 'script')))
  endpoints.add('gcode/restart', () => runScript(host, 'RESTART'))
  endpoints.add('gcode/firmware_restart', () => runScript(host, 'FIRMWARE_RESTART'))
  endpoints.add('gcode/subscribe_output', request => {
    const template = recordOf(request, 'response_template', {})
    const { connection } = request
    const stop = gcode.listen(response => connection.send({ ...template, params: { response } }))
    connection.onClose(stop)
    return {}
  })
}

async function runScript(host: Host, script: string): Promise<Record<string, never>> {
  await host.gcode.run(script)
  return {}
}

function info(host: Host, request: ApiRequest, logFile: string | undefined): Record<string, unknown> {
  const client = request.params.client_info
  if (client !== undefined) {
    host.log(`webhooks client: client info ${JSON.stringify(recordOf(request, 'client_info'))}`)
  }
  const home = dirname(dirname(host.config.file))
  return {
    state: host.lifecycle.state,
    state_message: host.lifecycle.message,
    hostname: hostname(),
    klipper_path: join(home, 'klipper'),
    python_path: join(home, 'klippy-env', 'bin', 'python'),
    process_id: process.pid,
    user_id: process.getuid?.() ?? 0,
    group_id: process.getgid?.() ?? 0,
    log_file: logFile ?? null,
    config_file: host.config.file,
    software_version: SOFTWARE_VERSION,
    cpu_info: `${cpus().length} core ${cpus()[0]?.model ?? '?'}`,
  }
}

/** The error object of a reply. Rethrows any error that is not of a request or of G-code. */
export function errorReply(error: unknown): { error: string; message: string } {
  if (error instanceof WebRequestError || error instanceof GcodeError) {
    return { error: 'WebRequestError', message: error.message }
  }
  throw error
}
