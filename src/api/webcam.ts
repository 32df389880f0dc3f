// API document: "Webcam APIs". The settings of a webcam are the same here and in [webcam NAME].
import {
  bool,
  choice,
  Field,
  type Infer,
  Invalid,
  int,
  json,
  list,
  object,
  optionalFields,
  record,
  requiredFields,
  string,
} from '../schema/index.ts'
import { chapter, notification } from './chapter.ts'
import { del, get, post } from './endpoint.ts'

/** Characters of names and labels. */
const MAX_LABEL = 255
/** Characters of a URL. */
const MAX_URL = 4096
const ROTATIONS = [0, 90, 180, 270]

/** Text on one line, of a length that clients and databases accept. */
function line(maxLength: number): Field<string> {
  const text = string()
  return new Field({ type: 'string', maxLength }, (input, name) => {
    const value = text.read(input, name)
    if (value.length > maxLength) throw new Invalid(name, `text of at most ${maxLength} characters`, input)
    if (/\p{Cc}/u.test(value) || !value.isWellFormed()) {
      throw new Invalid(name, 'text without control characters', input)
    }
    return value
  })
}

/** A name, by which clients find a webcam. */
function label(): Field<string> {
  const text = line(MAX_LABEL)
  return new Field(
    () => ({ ...text.json, minLength: 1 }),
    (input, name) => {
      const value = text.read(input, name)
      if (value.trim() === '') throw new Invalid(name, 'text that is not empty', input)
      return value
    },
  )
}

/** Front-ends insert it into the pages of all users, where a `javascript:` URL would run as a script. */
function address(): Field<string> {
  const text = line(MAX_URL)
  return new Field(
    () => text.json,
    (input, name) => {
      const value = text.read(input, name)
      if (/^\s*(java|vb)script:/i.test(value)) throw new Invalid(name, 'URL of a camera', input)
      return value
    },
  )
}

function rotation(): Field<number> {
  const degrees = int()
  return new Field({ type: 'integer', enum: ROTATIONS }, (input, name) => {
    const value = degrees.read(input, name)
    if (!ROTATIONS.includes(value)) throw new Invalid(name, `one of ${ROTATIONS.join(', ')}`, input)
    return value
  })
}

function aspectRatio(): Field<string> {
  const text = line(MAX_LABEL)
  return new Field({ ...text.json, pattern: '^\\d+:\\d+$' }, (input, name) => {
    const value = text.read(input, name)
    if (/^\d+:\d+$/.test(value)) return value
    throw new Invalid(name, 'two whole numbers with a colon between them, such as 4:3', input)
  })
}

/** What can be set of a webcam besides its name, with the defaults of a new one; also the options of [webcam NAME]. */
export const webcamSettings = {
  enabled: bool().describe('Whether front-ends show it').default(true),
  icon: line(MAX_LABEL).describe('The icon in front-ends').default('mdiWebcam'),
  aspect_ratio: aspectRatio().describe('Width to height').default('4:3'),
  target_fps: int({ min: 0 }).describe('Frame rate').unit('frames/s').default(15),
  target_fps_idle: int({ min: 0 })
    .describe('Frame rate while the printer is idle')
    .unit('frames/s')
    .default(5),
  location: line(MAX_LABEL).describe('What it shows').default('printer'),
  service: line(MAX_LABEL).describe('The kind of stream, as front-ends name it').default('mjpegstreamer'),
  stream_url: address().describe('URL of the stream; a relative one is on this machine, port 80'),
  snapshot_url: address()
    .describe('URL of a single picture; a relative one is on this machine, port 80')
    .default(''),
  flip_horizontal: bool().describe('Mirror it left to right').default(false),
  flip_vertical: bool().describe('Mirror it top to bottom').default(false),
  rotation: rotation().describe('Rotation clockwise').unit('°').default(0),
}

const extraData = record(json()).describe('Data of the front-end')

/** A webcam, as clients receive it. */
export const Webcam = object({
  name: string(),
  ...requiredFields(webcamSettings),
  source: choice('config', 'database'),
  extra_data: extraData,
  uid: string().describe('Never changes; 36 characters, unless a front-end chose others'),
})

/** @see Webcam */
export type Webcam = Infer<typeof Webcam>

const AllWebcams = object({ webcams: list(Webcam) })
const OneWebcam = object({ webcam: Webcam })

/** The parameter of notify_webcams_changed. */
export const WebcamsChange = AllWebcams

/** The reply of server.webcams.test. */
export const WebcamTest = object({
  name: string(),
  snapshot_reachable: bool(),
  snapshot_url: string().describe('Empty without one'),
  stream_url: string(),
})

const which = {
  uid: string().optional(),
  name: string().describe('Used without a uid').optional(),
}

export const webcam = chapter({
  title: 'Webcam APIs',
  about: 'The cameras of the printer, and how to show them',
  methods: {
    'server.webcams.list': get('/server/webcams/list', {
      summary: 'All webcams, those of the configuration first',
      result: AllWebcams,
    }),
    'server.webcams.get_item': get('/server/webcams/item', {
      summary: 'One webcam',
      params: which,
      result: OneWebcam,
    }),
    'server.webcams.post_item': post('/server/webcams/item', {
      summary:
        'Change a webcam, or create one if no webcam has the name; a new one gets defaults for what is left out',
      params: {
        uid: string().describe('The webcam to change; it gets the name').optional(),
        name: label().optional(),
        ...optionalFields(webcamSettings),
        extra_data: extraData.optional(),
      },
      result: OneWebcam,
    }),
    'server.webcams.delete_item': del('/server/webcams/item', {
      summary: 'Delete a webcam; the reply contains it',
      params: which,
      result: OneWebcam,
    }),
    'server.webcams.test': post('/server/webcams/test', {
      summary:
        'The full URLs of a webcam, as seen from this machine, and whether the snapshot can be fetched',
      params: which,
      result: WebcamTest,
    }),
  },
  notifications: {
    notify_webcams_changed: notification('A webcam was created, changed or deleted', WebcamsChange),
  },
})
