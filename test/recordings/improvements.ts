// Replies that differ from the original's on purpose.
import type { Exchange, HttpExchange } from './fixture.ts'

/** The reply instead, and why. */
export interface Improvement {
  readonly reason: string
  /** On lasting connections. */
  readonly replies?: Exchange['replies']
  /** Over HTTP: what is not named is as recorded. */
  readonly http?: Partial<Pick<HttpExchange, 'status' | 'reason' | 'reply' | 'etag' | 'replyHeaders'>>
}

const INVALID = { id: null, error: { code: -32600, message: 'Invalid Request' } }

const JSON_RPC_ERROR = 'JSON-RPC 2.0 requires an error where the original does not reply'
const PYTHON = "The original's text is that of a Python exception"
const HOST_PATH = 'Errors contain paths as clients know them, and no paths of the host'
const REAL_REASON = 'The real reason instead of a generic one'

/** Another error over HTTP. */
function httpError(reason: string, status: number, message: string): Improvement {
  return { reason, http: { status, reason: message, reply: { error: { code: status, message } } } }
}

/** Another error on a lasting connection. */
function rpcError(reason: string, id: number, code: number, message: string): Improvement {
  return { reason, replies: [{ id, error: { code, message } }] }
}

/** A caller that gets access from the original and not here. */
function unauthorized(reason: string): Improvement {
  const { http } = httpError(reason, 401, 'Unauthorized')
  return { reason, http: { ...http, etag: false } }
}

const BIG_INTEGER = 'The integer 12345678901234567000 does not fit in 64 bits: store it as a string'
const MISSING_KEY = "Key 'database.debug_counter' in namespace 'moonraker' not found"

/** An error 400 over HTTP. */
function badArgument(message: string): NonNullable<Improvement['http']> {
  return { reason: message, reply: { error: { code: 400, message } } }
}

const LOST_WEBCAM = 'The original takes it and cannot read the webcam at its next start'
const BAD_ROTATION = 'Unable to convert argument [rotation] to one of 0, 90, 180, 270: value received: 45'
const BAD_ASPECT =
  'Unable to convert argument [aspect_ratio] to two whole numbers with a colon between them, such as 4:3: ' +
  'value received: wide'

const ENUMERATION = 'The reply does not show which users exist'
const LOCKED = 'Unauthorized: too many failed logins, try again in 15 minutes'

/** By recording and name. */
export const improvements: Readonly<Record<string, Improvement>> = {
  'http_auth/untrusted_info_xff': unauthorized(
    'The client is the first address from the right that is no proxy',
  ),
  'http_auth/login_unknown': httpError(ENUMERATION, 400, 'Invalid Password'),
  'ws_auth/login_unknown': rpcError(ENUMERATION, 1278, 400, 'Invalid Password'),
  'ws_auth/ws_untrusted_after_logout': rpcError('A logout counts at once', 109, -32602, 'Unauthorized'),
  'ws_auth/ws_bearer_identify_badtoken': rpcError(PYTHON, 103, -32602, 'Invalid JWT'),
  'ws_auth/ws_query_access_token_identify_badtoken': rpcError(PYTHON, 103, -32602, 'Invalid JWT'),
  ...Object.fromEntries(
    ['login_bad_4', 'login_bad_5', 'login_good_after_lockout'].map(name => [
      `http_force_logins/${name}`,
      httpError('The error contains the waiting time', 401, LOCKED),
    ]),
  ),
  'ws_raw/number': { reason: JSON_RPC_ERROR, replies: [INVALID] },
  'ws_raw/null': { reason: JSON_RPC_ERROR, replies: [INVALID] },
  'ws_raw/empty_array': { reason: JSON_RPC_ERROR, replies: [INVALID] },
  'ws_raw/array_of_numbers': { reason: JSON_RPC_ERROR, replies: [[INVALID, INVALID]] },
  'ws_raw/batch_with_nonobject': {
    reason: `${JSON_RPC_ERROR}, and not even to the valid ones of the batch`,
    replies: [[INVALID, { id: 3, result: { websocket_id: 'number' } }]],
  },
  'ws_core/identify_twice': {
    reason: PYTHON,
    replies: [
      {
        id: 1004,
        error: {
          code: 400,
          message:
            'Connection already identified: {"name":"golden","version":"1.0","type":"web","url":"http://x"}',
        },
      },
    ],
  },
  'ws_core/services_stop_klipper_mcu': rpcError(
    'Nothing can be installed here, and the error contains the reason',
    1061,
    503,
    'Services and power of this machine cannot be managed: the configuration has [machine] provider: none',
  ),
  'ws_core/gcode_store_bad_count': {
    reason: PYTHON,
    replies: [
      {
        id: 1013,
        error: { code: 400, message: 'Unable to convert argument [count] to int: value received: abc' },
      },
    ],
  },
  'ws_core/history_list_bad_limit': {
    reason: PYTHON,
    replies: [
      {
        id: 1072,
        error: { code: 400, message: 'Unable to convert argument [limit] to int: value received: many' },
      },
    ],
  },
  'http_core/history_list_bad_limit': {
    reason: 'The error contains the reason',
    http: badArgument('Unable to convert argument [limit] to int: value received: many'),
  },
  'ws_db/db_post_big': {
    reason: PYTHON,
    replies: [{ id: 1206, error: { code: 400, message: BIG_INTEGER } }],
  },
  'http_db/db_post_big': { reason: 'The error contains the reason', http: badArgument(BIG_INTEGER) },
  'http_db/db_get_moonraker': {
    reason: 'The error names the requested key',
    http: {
      reason: MISSING_KEY,
      reply: { error: { code: 404, message: MISSING_KEY } },
    },
  },
  'ws_core/objects_subscribe_bad': {
    reason: 'A bad argument is an error of the caller, with the same text as for a query',
    replies: [{ id: 1031, error: { code: 400, message: 'Invalid Argument Type [objects]' } }],
  },
  'http_core/json_body_array': {
    reason: 'A bad body is an error of the caller',
    http: {
      status: 400,
      reason: 'The body must be a JSON object',
      reply: { error: { code: 400, message: 'The body must be a JSON object' } },
    },
  },
  'http_core/octo_login': {
    reason: 'The API document has GET, and fdm-monster sends it; POST gets the same reply',
    http: {
      status: 200,
      reason: 'OK',
      etag: true,
      reply: { result: { name: 'string', _login_mechanism: 'string', admin: 'boolean', groups: ['string'] } },
    },
  },
  'http_core/peripherals_canbus': httpError(REAL_REASON, 400, "There is no network interface 'can7'"),
  'http_jsonrpc/notification': {
    reason: 'An empty body is not HTML',
    http: { replyHeaders: { 'content-type': 'application/json; charset=UTF-8' } },
  },
  'ws_core/webcams_post_bad_rotation': rpcError(LOST_WEBCAM, 1100, 400, BAD_ROTATION),
  'ws_core/webcams_post_bad_aspect': rpcError(LOST_WEBCAM, 1101, 400, BAD_ASPECT),
  'http_core/webcams_post_bad_rotation': httpError(LOST_WEBCAM, 400, BAD_ROTATION),
  'http_core/webcams_post_bad_aspect': httpError(LOST_WEBCAM, 400, BAD_ASPECT),
  'ws_files/dir_missing': rpcError(HOST_PATH, 1125, 400, 'Directory does not exist (gcodes/nodir)'),
  'ws_files/mkdir_exists': rpcError(HOST_PATH, 1129, 400, "File exists: 'gcodes/newdir'"),
  'ws_files/mkdir_nested': rpcError(HOST_PATH, 1130, 400, "No such file or directory: 'gcodes/n1/n2'"),
  'ws_files/mkdir_root': rpcError(HOST_PATH, 1132, 400, "File exists: 'gcodes'"),
  'ws_files/copy_missing_src': rpcError(HOST_PATH, 1146, 400, 'File gcodes/none.gcode does not exist'),
  'ws_files/move_missing': rpcError(HOST_PATH, 1154, 400, 'File gcodes/none.gcode does not exist'),
  'http_files/mkdir_nested': httpError(HOST_PATH, 400, "No such file or directory: 'gcodes/n1/n2'"),
  'http_files/mkdir_root': httpError(HOST_PATH, 400, "File exists: 'gcodes'"),
  'http_files/copy_missing_src': httpError(HOST_PATH, 400, 'File gcodes/none.gcode does not exist'),
  'http_files/move_missing': httpError(HOST_PATH, 400, 'File gcodes/none.gcode does not exist'),
  'http_files/rmdir_nonempty': httpError(HOST_PATH, 400, "Directory not empty: 'gcodes/newdir3'"),
  'http_files/metadata_gcodes_prefix': httpError(
    REAL_REASON,
    404,
    'Metadata not available for <gcodes/golden_small.gcode>',
  ),
  'http_files/metadata_nofile': httpError(REAL_REASON, 404, 'Metadata not available for <nofile.gcode>'),
  'http_files/metadata_txt': httpError(REAL_REASON, 404, 'Metadata not available for <notes.txt>'),
  'http_files/del_missing': httpError(REAL_REASON, 400, 'Invalid file path: gcodes/none.gcode'),
  'http_files/del_dir_as_file': httpError(REAL_REASON, 400, 'Invalid file path: gcodes/sub'),
  'http_files/del_file': httpError(REAL_REASON, 400, 'Invalid file path: gcodes/order.gcode'),
  'http_files/del_logs': httpError(REAL_REASON, 405, 'Operation Not Supported'),
  'ws_raw/params_null_for_str': rpcError(
    'A null where a text is required is an error of the caller (behaviour.md)',
    17,
    400,
    'Unable to convert argument [filename] to string: value received: null',
  ),
  'ws_raw/params_str_for_bool': rpcError(
    PYTHON,
    18,
    400,
    'Unable to convert argument [extended] to bool: value received: maybe',
  ),
  'ws_raw/params_list_for_str': rpcError(
    PYTHON,
    21,
    400,
    'Unable to convert argument [filename] to string: value received: ["a"]',
  ),
}

/** The improvement of a recorded exchange, if there is one. */
export function improvementOf(
  recording: string,
  { name }: { readonly name: string },
): Improvement | undefined {
  return improvements[`${recording}/${name}`]
}
