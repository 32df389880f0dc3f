// Videos of prints, made of pictures of a webcam. Names and replies are those of the component `timelapse`, for which
// Mainsail and Fluidd have pages; descriptions mark what only this server has.
import {
  bool,
  choice,
  Field,
  float,
  type Infer,
  Invalid,
  int,
  list,
  object,
  optionalFields,
  requiredFields,
  string,
} from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { endpoints, get, post } from './endpoint.ts'

/** Text that fits the pattern; `expected` describes it. */
function pattern(fits: RegExp, expected: string): Field<string> {
  const text = string()
  return new Field({ type: 'string', pattern: fits.source }, (input, name) => {
    const value = text.read(input, name)
    if (!fits.test(value)) throw new Invalid(name, expected, input)
    return value
  })
}

/** One line of text. */
const line = () => pattern(/^[^\p{Cc}]{0,1000}$/u, 'text of one line, up to 1000 characters')

const seconds = () => float({ min: 0, max: 60 }).unit('s')
const millimetres = () => float({ min: -10_000, max: 10_000 }).unit('mm')
const distance = () => float({ min: 0, max: 1000 }).unit('mm')
const speed = () => int({ min: 1, max: 10_000 }).unit('mm/s')
const rate = () => int({ min: 1, max: 240 }).unit('frames/s')

/** The settings that clients can change, with their defaults; also options of [timelapse], which fix them. */
export const timelapseSettings = {
  enabled: bool().describe('Whether frames are taken').default(true),
  mode: choice('layermacro', 'hyperlapse')
    .describe('A frame at each TIMELAPSE_TAKE_FRAME of the G-code, or one every `hyperlapse_cycle`')
    .default('layermacro'),
  camera: line().describe('Name or uid of the webcam; the first one if there is no such webcam').default(''),
  snapshoturl: line()
    .describe('URL of the pictures; only without webcams, which have their own')
    .default('http://localhost:8080/?action=snapshot'),
  stream_delay_compensation: seconds().describe('How long to wait before a frame is taken').default(0.05),
  gcode_verbose: bool().describe('Whether the macros write to the console').default(false),
  parkhead: bool().describe('Whether the head is parked for a frame').default(false),
  parkpos: choice(
    'center',
    'front_left',
    'front_right',
    'back_left',
    'back_right',
    'custom',
    'x_only',
    'y_only',
  )
    .describe('Where the head is parked')
    .default('back_left'),
  park_custom_pos_x: millimetres().describe('X of a custom parking position').default(10),
  park_custom_pos_y: millimetres().describe('Y of a custom parking position').default(10),
  park_custom_pos_dz: millimetres().describe('How much the head is raised there').default(0),
  park_travel_speed: speed().describe('Speed of the travel to the parking position').default(100),
  park_retract_speed: speed().describe('Speed of the retraction before parking').default(15),
  park_extrude_speed: speed().describe('Speed of the extrusion after parking').default(15),
  park_retract_distance: distance().describe('Filament retracted before parking').default(1),
  park_extrude_distance: distance().describe('Filament extruded after parking').default(1),
  park_time: seconds().describe('How long the head stays parked at least').default(0.1),
  fw_retract: bool().describe('Whether to retract by G10 and G11').default(false),
  hyperlapse_cycle: int({ min: 1, max: 86_400 })
    .describe('Time between two frames in the mode hyperlapse')
    .unit('s')
    .default(30),
  autorender: bool().describe('Whether the video is rendered when a print is complete').default(true),
  constant_rate_factor: int({ min: 0, max: 63 })
    .describe('Quality of the video; smaller is better')
    .default(23),
  output_framerate: rate().describe('Frame rate of the video').default(30),
  pixelformat: pattern(/^\w{1,30}$/, 'name of a pixel format')
    .describe('Pixel format of the video')
    .default('yuv420p'),
  time_format_code: line().describe('Date and time in file names, as in strftime').default('%Y%m%d_%H%M'),
  extraoutputparams: line().describe('Further options of ffmpeg; only admins can change them').default(''),
  variable_fps: bool()
    .describe('Whether the frame rate depends on `targetlength` and the number of frames')
    .default(false),
  targetlength: int({ min: 1, max: 86_400 })
    .describe('Length of a video of variable frame rate')
    .unit('s')
    .default(10),
  variable_fps_min: rate().describe('The lowest variable frame rate').default(5),
  variable_fps_max: rate().describe('The highest variable frame rate').default(60),
  rotation: int({ min: 0, max: 359 })
    .describe('Rotation clockwise; only without webcams')
    .unit('°')
    .default(0),
  flip_x: bool().describe('Mirror it left to right; only without webcams').default(false),
  flip_y: bool().describe('Mirror it top to bottom; only without webcams').default(false),
  duplicatelastframe: int({ min: 0, max: 1000 })
    .describe('How often the last frame is repeated at the end of the video')
    .default(5),
  previewimage: bool()
    .describe('Whether the last frame is stored as a picture next to the video')
    .default(true),
  saveframes: bool().describe('Whether the frames are archived when a print is complete').default(false),
  rendercancelled: bool()
    .describe('Whether a video is rendered of a print that failed or was cancelled; only this server')
    .default(false),
}

const Settings = object({
  ...requiredFields(timelapseSettings),
  blockedsettings: list(string()).describe('Settings that moonraker.conf fixes'),
})

/** What clients receive of the settings. */
export type TimelapseSettings = Infer<typeof Settings>

const LastFrame = object({
  framecount: int(),
  lastframefile: string().describe('Below the root `timelapse_frames`; empty without frames'),
})

/** What happened to a frame, a video or an archive. */
const TimelapseEvent = object({
  action: choice('newframe', 'render', 'saveframes'),
  status: choice('started', 'running', 'success', 'finished', 'skipped', 'error'),
  frame: string().describe('The number of the last frame').optional(),
  framefile: string().describe('The file of the last frame').optional(),
  framecount: string().describe('Frames of the video, repeated ones included').optional(),
  settings: object({ framerate: int(), crf: int(), pixelformat: string() }).optional(),
  progress: int().describe('Percent').optional(),
  filename: string().describe('The video, below the root `timelapse`').optional(),
  printfile: string().describe('The name of the G-code file').optional(),
  previewimage: string().describe('The picture next to the video').optional(),
  zipfile: string().describe('The archive, below the root `timelapse`').optional(),
  cmd: string().describe('The command that failed').optional(),
  cmdresponse: string().describe('Its last output').optional(),
  msg: string().describe('For people').optional(),
})

/** @see TimelapseEvent */
export type TimelapseEvent = Infer<typeof TimelapseEvent>

const macroFile = {
  filename: string().describe('Below the root `config`'),
  version: string().describe('The version that the server has'),
  installed: choice('missing', 'current', 'outdated', 'other').describe(
    '`other` is a file that this server did not write',
  ),
}

const { post: adminPost } = endpoints({ changingRole: 'admin' })

export const timelapse = chapter({
  title: 'Time-lapse',
  about: 'Videos of prints: settings, frames, rendering',
  methods: {
    'machine.timelapse.get_settings': get('/machine/timelapse/settings', {
      summary: 'The settings in effect',
      result: Settings,
    }),
    'machine.timelapse.post_settings': post('/machine/timelapse/settings', {
      summary: 'Change settings; unknown ones, and those that moonraker.conf fixes, are ignored',
      params: optionalFields(timelapseSettings),
      result: Settings,
    }),
    'machine.timelapse.lastframeinfo': get('/machine/timelapse/lastframeinfo', {
      summary: 'The number of frames, and the last one',
      result: LastFrame,
    }),
    'machine.timelapse.render': post('/machine/timelapse/render', {
      summary: 'Render a video of the frames; replies when it is ready, or has failed',
      result: TimelapseEvent,
    }),
    'machine.timelapse.saveframes': post('/machine/timelapse/saveframes', {
      summary: 'Put the frames into an archive; replies when it is ready, or has failed',
      result: TimelapseEvent,
    }),
    'machine.timelapse.cancel': post('/machine/timelapse/cancel', {
      summary: 'Cancel the renderings and archives that run or wait; only this server',
      result: object({ cancelled: int().describe('How many') }),
    }),
    'machine.timelapse.get_macros': get('/machine/timelapse/macros', {
      summary: 'The macro file for Klipper; only this server',
      result: object({ ...macroFile, content: string() }),
    }),
    'machine.timelapse.post_macros': adminPost('/machine/timelapse/macros', {
      summary: 'Write the macro file into the configuration, or update it; only this server',
      params: { replace: bool().describe('Also in place of a file of another program').default(false) },
      result: object(macroFile),
    }),
  },
  notifications: {
    notify_timelapse_event: notification('A frame was taken, or a video made progress', TimelapseEvent),
  },
})
