// The section [server]: where to listen and what to allow.
import { deprecated, path } from '../config/index.ts'
import { trimBothOf } from '../core/trim-characters.ts'
import { bool, type InferShape, int, string } from '../schema/index.ts'

/** The options of [server]. */
export const serverOptions = {
  host: string().describe("Address to listen on; 'all' for every IPv4 and IPv6 address").default('0.0.0.0'),
  port: int({ min: 0, max: 65535 }).describe('Port of HTTP and WebSockets; 0 for any free one').default(7125),
  ssl_port: int({ min: 0, max: 65535 })
    .describe('Port of HTTPS; used if certs/moonraker.cert and .key exist in the data folder')
    .default(7130),
  enable_debug_logging: deprecated(
    bool().describe('No effect').default(false),
    'start the server with -v instead',
  ),
  klippy_uds_address: path().describe("Klipper's API socket").default('/tmp/klippy_uds'),
  max_upload_size: int({ min: 1 })
    .describe('The largest file that may be uploaded')
    .unit('MiB')
    .default(1024),
  ssl_certificate_path: deprecated(
    path().describe('The certificate of HTTPS').nullable().default(null),
    "put the certificate at 'certs/moonraker.cert' in the data folder",
  ),
  ssl_key_path: deprecated(
    path().describe('The key of the certificate').nullable().default(null),
    "put the key at 'certs/moonraker.key' in the data folder",
  ),
  route_prefix: string().describe('Comes before every path, such as printer1').nullable().default(null),
  max_websocket_connections: int({ min: 1 })
    .describe('WebSockets of users that may be open at the same time')
    .default(50),
}

export type ServerSection = InferShape<typeof serverOptions>

/** `printer1/` and `/printer1` are the same `route_prefix`; as it comes before paths. */
export function normalizePrefix(prefix: string | null): string {
  const inner = trimBothOf(prefix ?? '', '/')
  return inner === '' ? '' : `/${inner}`
}
