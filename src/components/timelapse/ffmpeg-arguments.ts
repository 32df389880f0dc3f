// The arguments of ffmpeg for a video and for its preview.
import type { TimelapseSettings } from '../../api/timelapse.ts'
import type { ExtraOptions } from './extra-options.ts'
import { FRAME_PATTERN } from './frames.ts'

type Orientation = Pick<TimelapseSettings, 'rotation' | 'flip_x' | 'flip_y'>

/** A video to be made of the frames in the current folder. */
export interface VideoSpec {
  readonly settings: TimelapseSettings
  /** The number of frames. */
  readonly count: number
  /** The encoder of ffmpeg. */
  readonly encoder: string
  readonly extra: ExtraOptions
  /** The path of the video. */
  readonly output: string
}

const words = (text: string) => text.split(' ')
/** The arguments in front of the path of a video. */
export const VIDEO_OUTPUT = words('-f mp4 -y')
const QUIET = words('-nostdin -hide_banner')

/** The frame rate of a video: fixed, or such that the video has a given length. */
export function frameRate(settings: TimelapseSettings, count: number): number {
  const {
    variable_fps,
    variable_fps_min: min,
    variable_fps_max: max,
    targetlength,
    output_framerate,
  } = settings
  if (!variable_fps) return output_framerate
  return Math.max(min, Math.min(max, Math.floor(count / targetlength)))
}

/** Frames are found by a pattern, since ffmpeg ends at the first number that is missing. */
export function videoArguments({ settings, count, encoder, extra, output }: VideoSpec): string[] {
  const { duplicatelastframe: repeated, constant_rate_factor, pixelformat } = settings
  const filters = [
    ...orientationFilters(settings),
    ...extra.filters,
    // H.264 needs even sizes.
    'crop=trunc(iw/2)*2:trunc(ih/2)*2',
    ...(repeated > 0 ? [`tpad=stop_mode=clone:stop=${repeated}`] : []),
  ]
  const isX264 = /^libx26[45]/.test(encoder)
  return [
    ...QUIET,
    ...words('-loglevel warning -nostats -progress pipe:1'),
    ...words(`-framerate ${frameRate(settings, count)} -pattern_type glob -i ${FRAME_PATTERN}`),
    '-vf',
    filters.join(','),
    ...words('-threads 2 -g 5'),
    ...(isX264 ? words(`-crf ${constant_rate_factor}`) : []),
    '-vcodec',
    encoder,
    ...words(`-pix_fmt ${pixelformat} -an -movflags +faststart`),
    ...extra.options,
    ...VIDEO_OUTPUT,
    output,
  ]
}

/** Turns one frame; null if it can be used as it is. */
export function previewArguments(settings: Orientation, frame: string, output: string): string[] | null {
  const filters = orientationFilters(settings)
  if (filters.length === 0) return null
  const turn = ['-i', frame, '-vf', filters.join(',')]
  return [...QUIET, ...words('-loglevel error'), ...turn, ...words('-q:v 2 -f mjpeg -y'), output]
}

/** First the rotation, then the flips, as front-ends show the webcam. */
function orientationFilters({ rotation, flip_x, flip_y }: Orientation): string[] {
  const turned: Readonly<Record<number, string>> = {
    90: 'transpose=1',
    180: 'hflip,vflip',
    270: 'transpose=2',
  }
  const rotate = rotation > 0 ? [turned[rotation] ?? `rotate=${(rotation * Math.PI) / 180}`] : []
  return [...rotate, ...(flip_x ? ['hflip'] : []), ...(flip_y ? ['vflip'] : [])]
}
