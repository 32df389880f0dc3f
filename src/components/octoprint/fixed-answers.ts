// OctoPrint's replies that depend on the configuration and the caller only.
import type { ResultOf } from '../../api/endpoint.ts'
import type { octoprintEndpoints } from '../../api/octoprint.ts'
import type { Caller } from '../../rpc/caller.ts'

type Reply<M extends keyof typeof octoprintEndpoints> = ResultOf<(typeof octoprintEndpoints)[M]>

/** The OctoPrint that is emulated: clients compare it with the version that they need. */
const OCTOPRINT_VERSION = '1.5.0'

/** The options of the section. */
export interface Options {
  readonly enable_ufp: boolean
  readonly flip_h: boolean
  readonly flip_v: boolean
  readonly rotate_90: boolean
  readonly stream_url: string
  readonly webcam_enabled: boolean
}

/** GET /api/version. PrusaSlicer and OrcaSlicer accept only a text that starts with OctoPrint. */
export function versionOf(serverVersion: string): Reply<'octoprint.version'> {
  return { server: OCTOPRINT_VERSION, api: '0.1', text: `OctoPrint (Moonraker ${serverVersion})` }
}

/** The first message of the push socket. */
export function connectedOf(serverVersion: string): object {
  return {
    version: OCTOPRINT_VERSION,
    display_version: versionOf(serverVersion).text,
    branch: '',
    python_version: '',
    plugin_hash: '',
    config_hash: '',
    debug: false,
    safe_mode: false,
    online: true,
    permissions: [],
  }
}

/** GET /api/server. */
export function serverOf(isReady: boolean): Reply<'octoprint.server'> {
  return { server: OCTOPRINT_VERSION, version: OCTOPRINT_VERSION, safemode: isReady ? null : 'settings' }
}

/** The caller as a user of OctoPrint. The name is what the original gives everyone, whatever the key. */
export function userOf({ user }: Caller): Reply<'octoprint.currentuser'> {
  const admin = user?.role === 'admin'
  return {
    _is_external_client: false,
    _login_mechanism: 'apikey',
    name: '_api',
    active: true,
    user: true,
    admin,
    apikey: null,
    permissions: [],
    groups: admin ? ['admins', 'users'] : user?.role === 'viewer' ? ['readonly'] : ['users'],
  }
}

/** What Cura's plugin requires before it sends packages, which contain a picture of the model. */
const UFP_PLUGIN = {
  align_inline_thumbnail: false,
  inline_thumbnail: false,
  inline_thumbnail_align_value: 'left',
  inline_thumbnail_scale_value: '50',
  installed: true,
  installed_version: '0.2.2',
  scale_inline_thumbnail: false,
  state_panel_thumbnail: true,
}

/** GET /api/settings. */
export function settingsOf(options: Options): Reply<'octoprint.settings'> {
  return {
    plugins: options.enable_ufp ? { UltimakerFormatPackage: UFP_PLUGIN } : {},
    feature: { sdSupport: false, temperatureGraph: false },
    webcam: {
      flipH: options.flip_h,
      flipV: options.flip_v,
      rotate90: options.rotate_90,
      streamUrl: options.stream_url,
      webcamEnabled: options.webcam_enabled,
    },
  }
}

/** The only profile. */
const PROFILE = { id: '_default', name: 'Default' }

/** GET /api/printerprofiles. `heaters` are OctoPrint's names of what can be heated. */
export function profilesOf(heaters: ReadonlySet<string>): Reply<'octoprint.printerprofiles'> {
  const axis = { speed: 6000, inverted: false }
  const profile = {
    ...PROFILE,
    color: 'default',
    model: 'Default',
    default: true,
    current: true,
    heatedBed: heaters.has('bed'),
    heatedChamber: heaters.has('chamber'),
    axes: { x: axis, y: axis, z: axis, e: { speed: 300, inverted: false } },
  }
  return { profiles: { [PROFILE.id]: profile } }
}

/** The name of the connection to Klipper, which has neither a serial port nor a speed. */
const PORT = 'AUTO'

/** GET /api/connection. */
export function connectionOf(
  state: Reply<'octoprint.connection'>['current']['state'],
): Reply<'octoprint.connection'> {
  const isOpen = state !== 'Offline' && state !== 'Error'
  return {
    current: {
      state,
      port: isOpen ? PORT : null,
      baudrate: isOpen ? 0 : null,
      printerProfile: PROFILE.id,
    },
    options: {
      ports: [PORT],
      baudrates: [0],
      printerProfiles: [PROFILE],
      portPreference: PORT,
      baudratePreference: 0,
      printerProfilePreference: PROFILE.id,
      autoconnect: true,
    },
  }
}
